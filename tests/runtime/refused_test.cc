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

std::set<int> marked_lines() {
    std::ifstream source{std::string(program)};
    std::set<int> lines;
    std::string line;
    for (int number = 1; std::getline(source, line); ++number) {
        if (line.ends_with("// refused")) {
            lines.insert(number);
        }
    }
    return lines;
}

// The lines of the program that the compiler has something against.
std::set<int> refused_lines() {
    const std::filesystem::path include = std::filesystem::path(std::getenv("TEST_TMPDIR")) / "in";
    std::filesystem::create_directories(include);
    std::error_code exists;
    std::filesystem::create_directory_symlink(std::filesystem::current_path(), include / "sluice",
                                              exists);
    const std::string command = "c++ -std=c++23 -fsyntax-only -Wall -I" + include.string() + " " +
                                std::string(program) + " 2>&1";
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
    CHECK(marked_lines().size() == 19);
    CHECK(refused_lines() == marked_lines());
}

}  // namespace
}  // namespace sluice::tests
