#include "sluice/tests/tidy/rules.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <regex>
#include <string_view>

namespace sluice::tidy {
namespace {

constexpr std::size_t file_lines_max = 500;
constexpr std::size_t line_columns_max = 100;

std::string_view folder_of(std::string_view path) {
    const std::size_t slash = path.find('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// The umbrella header lies at the top, in no folder.
int floor_of(std::string_view folder) {
    if (folder == "runtime") {
        return 0;
    }
    if (folder == "tls" || folder == "http") {
        return 1;
    }
    if (folder.empty()) {
        return 2;
    }
    return folder == "examples" ? 3 : 4;
}

bool in_a_layer(const Source& source) {
    return floor_of(folder_of(source.path)) <= 2;
}

std::string at(const Source& source, std::size_t index, std::string_view what) {
    return source.path + ":" + std::to_string(index + 1) + ": " + std::string(what);
}

// What stands between the quotes or brackets of an #include, quotes and brackets included.
std::string_view included_by(std::string_view line) {
    constexpr std::string_view directive = "#include ";
    return line.starts_with(directive) ? line.substr(directive.size()) : std::string_view();
}

// The line without its comment and without what its string literals say.
std::string code_of(const std::string& line) {
    static const std::regex literal(R"("(\\.|[^"\\])*")");
    const bool has_literal = line.find('"') != std::string::npos;
    const std::string code = has_literal ? std::regex_replace(line, literal, "\"\"") : line;
    return code.substr(0, code.find("//"));
}

// A regex is slow, and most lines lack the word that it is about.
bool says(std::string_view text, std::string_view word, const std::regex& form) {
    return text.find(word) != std::string_view::npos &&
           std::regex_search(text.begin(), text.end(), form);
}

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

struct Foreign {
    std::string_view header;
    std::vector<std::string_view> homes;
};

// A home is the beginning of a path.
const std::array<Foreign, 6> foreign = {{
    {"<liburing", {"runtime/", "tests/runtime/"}},
    {"<linux/io_uring", {"runtime/", "tests/runtime/"}},
    {"<sys/epoll", {"runtime/", "tests/", "examples/foreign_loop.h"}},
    {"<openssl/", {"tls/", "tests/tls/"}},
    {"<catch2/", {"tests/catch.h", "examples/handler_test.cc"}},
    {"<llhttp", {"http/message_parser", "tests/http/"}},
}};

bool starts_with_any(std::string_view path, const std::vector<std::string_view>& beginnings) {
    return std::ranges::any_of(
        beginnings, [&](std::string_view beginning) { return path.starts_with(beginning); });
}

// Octets that begin a character: UTF-8's others continue one.
std::size_t columns_of(std::string_view line) {
    return static_cast<std::size_t>(
        std::ranges::count_if(line, [](char octet) { return (octet & 0xC0) != 0x80; }));
}

// `before` is what precedes the co_await: on its line, or else the line before.
bool may_await_after(const std::string& before) {
    static const std::regex beginning(R"((^|[;{}=]|\bco_return|^case\b.*:|^default:)$)");
    static const std::regex comparison(R"([=!<>]=$)");
    const bool within_parentheses =
        std::ranges::count(before, '(') > std::ranges::count(before, ')');
    return std::regex_search(before, beginning) && !std::regex_search(before, comparison) &&
           !within_parentheses;
}

}  // namespace

Violations layers(const Source& source) {
    constexpr std::string_view ours = "\"sluice/";
    const std::string_view from = folder_of(source.path);
    Violations found;
    for (std::size_t index = 0; index < source.lines.size(); ++index) {
        const std::string_view included = included_by(source.lines[index]);
        if (included.starts_with(ours)) {
            const std::string_view to = folder_of(included.substr(ours.size()));
            if (from != to && floor_of(from) <= floor_of(to)) {
                found.push_back(at(source, index, "an include that points up or sideways"));
            }
        } else if (included.starts_with('"')) {
            found.push_back(at(source, index, "ours are included as \"sluice/...\""));
        }
    }
    return found;
}

Violations foreign_headers(const Source& source) {
    Violations found;
    for (std::size_t index = 0; index < source.lines.size(); ++index) {
        const std::string_view included = included_by(source.lines[index]);
        for (const Foreign& library : foreign) {
            if (included.starts_with(library.header) &&
                !starts_with_any(source.path, library.homes)) {
                found.push_back(at(source, index, "this library is another layer's"));
            }
        }
    }
    return found;
}

Violations own_header_first(const Source& source, const std::string& own_header) {
    if (own_header.empty()) {
        return {};
    }
    const std::string expected = "\"sluice/" + own_header + "\"";
    for (std::size_t index = 0; index < source.lines.size(); ++index) {
        const std::string_view included = included_by(source.lines[index]);
        if (!included.empty()) {
            return included == expected ? Violations()
                                        : Violations{at(source, index, expected + " comes first")};
        }
    }
    return {at(source, 0, "does not include " + expected)};
}

Violations sizes(const Source& source) {
    Violations found;
    if (source.lines.size() > file_lines_max) {
        found.push_back(at(source, file_lines_max, "a file ends by line 500"));
    }
    for (std::size_t index = 0; index < source.lines.size(); ++index) {
        if (columns_of(source.lines[index]) > line_columns_max) {
            found.push_back(at(source, index, "a line ends by column 100"));
        }
    }
    return found;
}

Violations header_form(const Source& source) {
    static const std::regex first_line(R"(// [^\s:][^:]*(::[^:]+)*: \S.*)");
    if (!source.path.ends_with(".h")) {
        return {};
    }
    Violations found;
    if (source.lines.empty() || !std::regex_match(source.lines.front(), first_line)) {
        found.push_back(at(source, 0, "a header begins with \"// Name: what it is\""));
    }
    if (std::ranges::find(source.lines, "#pragma once") == source.lines.end()) {
        found.push_back(at(source, 0, "a header has #pragma once"));
    }
    return found;
}

Violations words(const Source& source) {
    static const std::regex detail(R"(\bnamespace\s+(\w+::)*detail\b|\bdetail::)");
    static const std::regex throwing(R"(\bthrow\s+\S)");
    static const std::regex sleeping(R"(\bthis_thread::sleep|\b(usleep|nanosleep)\()");
    static const std::regex note(R"(\b(TODO|FIXME|XXX)\b)");
    constexpr std::array<std::string_view, 3> notes = {"TODO", "FIXME", "XXX"};
    Violations found;
    for (std::size_t index = 0; index < source.lines.size(); ++index) {
        const std::string& line = source.lines[index];
        const std::string code = code_of(line);
        if (says(code, "detail", detail)) {
            found.push_back(at(source, index, "what is internal is a target of its own"));
        }
        if (in_a_layer(source) && says(code, "throw", throwing)) {
            found.push_back(at(source, index, "a failure is a value; nothing of ours throws"));
        }
        if (source.path.ends_with("_test.cc") && says(code, "sleep", sleeping)) {
            found.push_back(at(source, index, "a test waits for an event, not for a while"));
        }
        const std::string_view comment =
            std::string_view(line).substr(std::min(line.find("//"), line.size()));
        if (std::ranges::any_of(notes,
                                [&](std::string_view word) { return says(comment, word, note); })) {
            found.push_back(at(source, index, "do it, or file it"));
        }
    }
    return found;
}

Violations awaits(const Source& source) {
    constexpr std::string_view word = "co_await ";
    constexpr std::string_view what = "one co_await a statement, alone right of = or co_return";
    Violations found;
    std::string previous;
    for (std::size_t index = 0; index < source.lines.size(); ++index) {
        const std::string code = trimmed(code_of(source.lines[index]));
        const std::size_t place = code.find(word);
        if (place != std::string::npos) {
            const std::string before = trimmed(code.substr(0, place));
            const bool twice = code.find(word, place + word.size()) != std::string::npos;
            if (twice || !may_await_after(before.empty() ? previous : before)) {
                found.push_back(at(source, index, what));
            }
        }
        if (!code.empty() && !code.starts_with('#')) {
            previous = code;
        }
    }
    return found;
}

Violations awaited_temporaries(const Source& source) {
    constexpr std::string_view word = "co_await ";
    Violations found;
    bool awaiting = false;
    for (std::size_t index = 0; index < source.lines.size(); ++index) {
        std::string code = code_of(source.lines[index]);
        const std::size_t place = code.find(word);
        if (place != std::string::npos) {
            code = code.substr(place);
            awaiting = true;
        }
        const std::size_t end = code.find_first_of("{;");
        if (awaiting && end != std::string::npos) {
            awaiting = false;
            if (code[end] == '{') {
                found.push_back(at(source, index, "name what a co_await is given in braces"));
            }
        }
    }
    return found;
}

}  // namespace sluice::tidy
