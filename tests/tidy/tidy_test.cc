#include "sluice/tests/catch.h"
#include "sluice/tests/tidy/rules.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace sluice::tidy {
namespace {

namespace fs = std::filesystem;

Source read_source(const fs::path& path) {
    Source source{path.string(), {}};
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        source.lines.push_back(line);
    }
    return source;
}

// What the BUILD target names as data.
std::vector<Source> tree() {
    std::vector<Source> sources;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(".")) {
        const fs::path path = entry.path().lexically_relative(".");
        const bool ours = *path.begin() != "external" && !path.string().starts_with("_");
        if (ours && (path.extension() == ".h" || path.extension() == ".cc")) {
            sources.push_back(read_source(path));
        }
    }
    return sources;
}

// Applies the rule everywhere; each violation is a failed check that begins with its place.
void require_of_the_tree(const std::function<Violations(const Source&)>& rule) {
    for (const Source& source : tree()) {
        for (const std::string& violation : rule(source)) {
            FAIL_CHECK(violation);
        }
    }
}

Source one_line(std::string path, std::string line) {
    return Source{std::move(path), {std::move(line)}};
}

TEST_CASE("tidy: the sources are there to be checked", "[tidy]") {
    CHECK(tree().size() > 10);
}

TEST_CASE("tidy: includes point down the layers, never up or sideways", "[tidy]") {
    require_of_the_tree(layers);

    CHECK(layers(one_line("http/a.h", "#include \"sluice/runtime/b.h\"")).empty());
    CHECK(layers(one_line("http/a.h", "#include \"sluice/http/b.h\"")).empty());
    CHECK(layers(one_line("tests/http/a.cc", "#include \"sluice/examples/b.h\"")).empty());
    CHECK(layers(one_line("http/a.h", "#include \"sluice/tls/b.h\"")).size() == 1);
    CHECK(layers(one_line("tls/a.h", "#include \"sluice/http/b.h\"")).size() == 1);
    CHECK(layers(one_line("runtime/a.h", "#include \"sluice/http/b.h\"")).size() == 1);
    CHECK(layers(one_line("http/a.h", "#include \"sluice/sluice.h\"")).size() == 1);
    CHECK(layers(one_line("examples/a.cc", "#include \"sluice/tests/b.h\"")).size() == 1);
    CHECK(layers(one_line("http/a.h", "#include \"b.h\"")).size() == 1);
}

TEST_CASE("tidy: a library is included by the one layer that may know it", "[tidy]") {
    require_of_the_tree(foreign_headers);

    CHECK(foreign_headers(one_line("runtime/a.cc", "#include <liburing.h>")).empty());
    CHECK(foreign_headers(one_line("http/a.cc", "#include <liburing.h>")).size() == 1);
    CHECK(foreign_headers(one_line("http/a.cc", "#include <openssl/evp.h>")).size() == 1);
    CHECK(foreign_headers(one_line("http/client.cc", "#include <llhttp.h>")).size() == 1);
}

TEST_CASE("tidy: a source file includes its own header first, so that the header stands alone",
          "[tidy]") {
    require_of_the_tree([](const Source& source) {
        const fs::path header = fs::path(source.path).replace_extension(".h");
        const bool has_own = source.path.ends_with(".cc") && fs::exists(header);
        return own_header_first(source, has_own ? header.string() : "");
    });

    const Source late{"http/a.cc", {"#include <vector>", "#include \"sluice/http/a.h\""}};
    CHECK(own_header_first(late, "http/a.h").size() == 1);
    CHECK(own_header_first(one_line("http/a.cc", ""), "http/a.h").size() == 1);
    CHECK(own_header_first(one_line("http/a.cc", "#include \"sluice/http/a.h\""), "http/a.h")
              .empty());
}

TEST_CASE("tidy: files and lines keep their bounds", "[tidy]") {
    require_of_the_tree(sizes);

    CHECK(sizes(one_line("a.cc", std::string(100, 'x'))).empty());
    CHECK(sizes(one_line("a.cc", std::string(101, 'x'))).size() == 1);
    CHECK(sizes(Source{"a.cc", std::vector<std::string>(500)}).empty());
    CHECK(sizes(Source{"a.cc", std::vector<std::string>(501)}).size() == 1);
}

TEST_CASE("tidy: a header says first what it is, and guards itself", "[tidy]") {
    require_of_the_tree(header_form);

    CHECK(header_form({"a.h", {"// Loop: one thread.", "#pragma once"}}).empty());
    CHECK(header_form({"a.h", {"// ensure(): a line.", "#pragma once"}}).empty());
    CHECK(header_form({"a.h", {"// One thread.", "#pragma once"}}).size() == 1);
    CHECK(header_form({"a.h", {"// Loop: one thread.", "#ifndef A_H"}}).size() == 1);
    CHECK(header_form({"a.cc", {""}}).empty());
}

TEST_CASE("tidy: no detail namespace, no note to self, no throw, no sleep", "[tidy]") {
    require_of_the_tree(words);

    CHECK(words(one_line("http/a.h", "namespace sluice::detail {")).size() == 1);
    CHECK(words(one_line("http/a.h", "return detail::of(x);")).size() == 1);
    CHECK(words(one_line("http/a.h", "int detail = 0;")).empty());
    CHECK(words(one_line("http/a.h", std::string("// TO") + "DO: later")).size() == 1);
    CHECK(words(one_line("http/a.cc", "throw Error();")).size() == 1);
    CHECK(words(one_line("http/a.cc", "// It may throw what it likes.")).empty());
    CHECK(words(one_line("tests/http/a_test.cc", "throw 5;")).empty());
    CHECK(words(one_line("tests/http/a_test.cc", "std::this_thread::sleep_for(s);")).size() == 1);
}

TEST_CASE("tidy: one co_await a statement, alone on the right of = or co_return", "[tidy]") {
    require_of_the_tree(awaits);

    CHECK(awaits(one_line("a.cc", "    co_await f();")).empty());
    CHECK(awaits(one_line("a.cc", "    const int x = co_await f();")).empty());
    CHECK(awaits(one_line("a.cc", "    co_return co_await f();")).empty());
    CHECK(awaits({"a.cc", {"const int x =", "    co_await f();"}}).empty());
    CHECK(awaits({"a.cc", {"if (x) {", "    co_await f();"}}).empty());
    CHECK(awaits({"a.cc", {"case Part::head:", "    co_await f();"}}).empty());
    CHECK(awaits(one_line("a.cc", "// co_await in (co_await a comment).")).empty());
    CHECK(awaits(one_line("a.cc", "if (co_await f()) {")).size() == 1);
    CHECK(awaits(one_line("a.cc", "if (const int x = co_await f(); x) {")).size() == 1);
    CHECK(awaits(one_line("a.cc", "if (init(); co_await f()) {")).size() == 1);
    CHECK(awaits(one_line("a.cc", "g(co_await f());")).size() == 1);
    CHECK(awaits(one_line("a.cc", "const int x = y ? co_await f() : 0;")).size() == 1);
    CHECK(awaits({"a.cc", {"const int x = y ? 0", "    : co_await f();"}}).size() == 1);
    CHECK(awaits(one_line("a.cc", "const bool x = 3 == co_await f();")).size() == 1);
    CHECK(awaits(one_line("a.cc", "const int x = co_await f(co_await g());")).size() == 1);
    CHECK(awaits({"a.cc", {"g(", "    co_await f());"}}).size() == 1);
}

TEST_CASE("tidy: what a co_await is given in braces has a name", "[tidy]") {
    require_of_the_tree(awaited_temporaries);

    CHECK(awaited_temporaries(one_line("a.cc", "if (x) { co_await f(y); }")).empty());
    CHECK(awaited_temporaries({"a.cc", {"co_await f(y,", "           z);", "if (x) {"}}).empty());
    CHECK(awaited_temporaries(one_line("a.cc", "// as co_await f(X{1}) does")).empty());
    CHECK(awaited_temporaries(one_line("a.cc", "co_await f(\"{\");")).empty());
    CHECK(awaited_temporaries(one_line("a.cc", "co_await f(X{1});")).size() == 1);
    CHECK(awaited_temporaries(one_line("a.cc", "co_await f({1});")).size() == 1);
    CHECK(awaited_temporaries({"a.cc", {"x = co_await f(y,", "    {1, 2});"}}).size() == 1);
    CHECK(awaited_temporaries(one_line("a.cc", "co_await f([&] { g(); });")).size() == 1);
}

}  // namespace
}  // namespace sluice::tidy
