#include "sluice/tests/catch.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

namespace sluice::tests {
namespace {

constexpr std::string_view program = "tests/runtime/refused_program.cc";

std::set<int> marked_lines(std::string_view mark) {
    std::ifstream source{std::string(program)};
    std::set<int> lines;
    std::string line;
    for (int number = 1; std::getline(source, line); ++number) {
        if (line.ends_with(mark)) {
            lines.insert(number);
        }
    }
    return lines;
}

// The lines of the program that a compiler has something against.
std::set<int> refused_lines(const std::string& compiler) {
    const std::filesystem::path include = std::filesystem::path(std::getenv("TEST_TMPDIR")) / "in";
    std::filesystem::create_directories(include);
    std::error_code exists;
    std::filesystem::create_directory_symlink(std::filesystem::current_path(), include / "sluice",
                                              exists);
    const std::string command = compiler + " -std=c++23 -fsyntax-only -Wall -I" + include.string() +
                                " " + std::string(program) + " 2>&1";
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::set<int> lines;
    std::array<char, 8192> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) {
        const std::string_view text(line.data());
        const bool is_of_program = text.starts_with(program);
        if (is_of_program && (text.find(": error: ") != std::string_view::npos ||
                              text.find(": warning: ") != std::string_view::npos)) {
            lines.insert(std::atoi(line.data() + program.size() + 1));
        }
    }
    ::pclose(pipe);
    return lines;
}

TEST_CASE("compiler: it refuses to drop a task, a send, a finish, a close or a result",
          "[runtime][task]") {
    const std::set<int> marked = marked_lines("// refused");
    CHECK(marked.size() == 19);
    CHECK(refused_lines("g++") == marked);
}

TEST_CASE("compiler: Clang refuses to drop a result that was awaited too", "[runtime][task]") {
    if (std::system("command -v clang++-19 > /dev/null") != 0) {
        WARN("clang++-19 is not there to be asked");
        return;
    }
    std::set<int> marked = marked_lines("// refused by Clang");
    CHECK(marked.size() == 8);
    marked.merge(marked_lines("// refused"));
    CHECK(refused_lines("clang++-19") == marked);
}

}  // namespace
}  // namespace sluice::tests
