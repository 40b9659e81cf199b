// Programs that must not compile, and what the compiler says of them.

#include "sluice/tests/catch.h"
#include "sluice/tests/support/temporary_directory.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <future>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tests {
namespace {

struct Program {
    std::string_view text;
    std::string_view named;  // The rule that it breaks: as the compiler must call it.
};

// clang-format off
constexpr std::array wrong_programs = {
    Program{"Task<> f(Receiver<int>& source, Sender<std::string>& sink) {\n"
            "    co_await forward(source, sink);\n"
            "}\n",
            "concept sluice::Sink"},
    Program{"struct Numbers { int read(); };\n"
            "Task<> f(Numbers& source, Sender<int>& sink) { co_await forward(source, sink); }\n",
            "concept sluice::AnySource"},
    Program{"void f(Receiver<std::string>& names) {\n"
            "    MapSource lengths(names, [](int number) { return number; });\n"
            "}\n",
            "std::invocable<F&, ItemOf<S>>"},
    Program{"void f(Receiver<std::string>& names) {\n"
            "    FilterSource some(names, [](const std::string&) {});\n"
            "}\n",
            "std::predicate<P&, const ItemOf<S>&>"},
    Program{"Task<int> twice(int number) { co_return 2 * number; }\n"
            "void f(const Context& context, Receiver<int>& numbers) {\n"
            "    ConcurrentSource doubled(context, numbers, 4, twice);\n"
            "}\n",
            "concept sluice::Job"},
    Program{"class Shelf {\n"
            "public:\n"
            "    Task<Sent<int>> write(int item);\n"
            "    Task<Result<void>> finish();\n"
            "    void abort() noexcept;\n"
            "};\n"
            "AnySink<int> f() { return AnySink<int>(Shelf()); }\n",
            "CloneableSink<S, T>"},
    Program{"class Shelf {\n"
            "public:\n"
            "    Task<Result<void>> write(int item);\n"
            "    Task<Result<void>> finish();\n"
            "    void abort() noexcept;\n"
            "};\n"
            "void f(Shelf& shelf) { TeeItemsSink<int, Shelf, Shelf> both(shelf, shelf); }\n",
            "Sink<First, T>"},
    Program{"void append(std::string& text, char letter) { text += letter; }\n"
            "Task<> f(Serialized<std::string>& text) { co_await text.modify(append, 'a'); }\n",
            "Modification<F, T, Arguments ...>"},
    Program{"struct Add { int amount; };\n"
            "Task<> f(Sender<Add>& counter) {\n"
            "    co_await call<int>(counter, [](Sender<int>) { return std::string(); });\n"
            "}\n",
            "MessageMaker"},
    Program{"struct Sum { void add(char); };\n"
            "void f(ByteSink& file, Sum& sum) { HashedSink hashed(file, sum); }\n",
            "concept sluice::Hasher"},
};

// Whatever is dropped here would be lost without a word. One a line.
constexpr Program dropping{
    "Generator<int> numbers();\n"
    "Task<> modify(int&);\n"
    "void f(Sender<int>& sender, BoundedSender<int>& bounded, Receiver<int>& receiver,\n"
    "       Permit<int>& permit, AnySink<int>& any, Mutex& mutex, Loop& loop,\n"
    "       Serialized<int>& value, Generator<int>& generator) {\n"
    "    sender.write(1);\n"
    "    sender.try_write(1);\n"
    "    sender.finish();\n"
    "    sender.clone();\n"
    "    bounded.reserve();\n"
    "    permit.write(1);\n"
    "    receiver.read();\n"
    "    receiver.close();\n"
    "    receiver.clone();\n"
    "    any.write(1);\n"
    "    any.clone();\n"
    "    mutex.lock();\n"
    "    mutex.try_lock(loop);\n"
    "    value.modify(modify);\n"
    "    generator.read();\n"
    "    numbers();\n"
    "    oneshot_channel<int>();\n"
    "    unsent(Error(), 1);\n"
    "}\n",
    "nodiscard"};
constexpr std::size_t dropped = 18;

// clang-format on

constexpr std::string_view beginning =
    "#include \"sluice/runtime/actor.h\"\n"
    "#include \"sluice/runtime/any_sink.h\"\n"
    "#include \"sluice/runtime/concurrent.h\"\n"
    "#include \"sluice/runtime/filter.h\"\n"
    "#include \"sluice/runtime/forward.h\"\n"
    "#include \"sluice/runtime/generator.h\"\n"
    "#include \"sluice/runtime/hashed.h\"\n"
    "#include \"sluice/runtime/map.h\"\n"
    "#include \"sluice/runtime/serialized.h\"\n"
    "#include \"sluice/runtime/tee.h\"\n"
    "#include \"sluice/runtime/workers.h\"\n"
    "#include <memory>\n"
    "#include <string>\n"
    "using namespace sluice;\n";

// What the compiler says, line by line.
std::vector<std::string> said_by(const std::string& arguments) {
    FILE* const output = ::popen(("LC_ALL=C g++ -std=c++23 " + arguments + " 2>&1").c_str(), "r");
    std::vector<std::string> lines;
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), line.size(), output) != nullptr) {
        lines.emplace_back(line.data());
    }
    lines.emplace_back(::pclose(output) == 0 ? "compiled" : "failed");
    return lines;
}

std::vector<std::string> said_of(const Program& program, const TemporaryDirectory& directory,
                                 const std::string& name) {
    directory.write(name + ".cc", "#include \"beginning.h\"\n" + std::string(program.text));
    return said_by("-fsyntax-only " + directory.path(name + ".cc"));
}

bool mentions(const std::vector<std::string>& lines, std::string_view words) {
    return std::ranges::any_of(
        lines, [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

TEST_CASE("compiler: a wrong program is told in few lines which concept it does not meet",
          "[runtime][streams][compiler]") {
    const TemporaryDirectory directory;
    std::filesystem::create_directory_symlink(std::filesystem::current_path(),
                                              directory.path("sluice"));
    directory.write("beginning.h", beginning);
    const std::string header = directory.path("beginning.h");
    REQUIRE(said_by("-x c++-header -I" + directory.path("") + " " + header) ==
            std::vector<std::string>{"compiled"});
    const auto begin = [&](const Program& program, std::size_t number) {
        return std::async(std::launch::async, [&directory, &program, number] {
            return said_of(program, directory, "program_" + std::to_string(number));
        });
    };
    std::vector<std::future<std::vector<std::string>>> all;
    for (std::size_t number = 0; number < wrong_programs.size(); ++number) {
        all.push_back(begin(wrong_programs.at(number), number));
        if (number % 2 == 1) {
            all.back().wait();
        }
    }
    for (std::size_t number = 0; number < wrong_programs.size(); ++number) {
        CAPTURE(wrong_programs.at(number).text);
        const std::vector<std::string> lines = all[number].get();
        CAPTURE(lines);
        CHECK(lines.back() == "failed");
        CHECK(lines.size() - 1 < 30);
        CHECK(mentions(lines, wrong_programs.at(number).named));
    }
    const std::vector<std::string> of_dropping = said_of(dropping, directory, "dropping");
    CHECK(of_dropping.back() == "compiled");
    CAPTURE(of_dropping);
    const auto warned = std::ranges::count_if(of_dropping, [](const std::string& line) {
        return line.find("dropping.cc") != std::string::npos &&
               line.find("nodiscard") != std::string::npos;
    });
    CHECK(static_cast<std::size_t>(warned) == dropped);
}

}  // namespace
}  // namespace sluice::tests
