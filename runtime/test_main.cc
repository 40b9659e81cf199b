// The main() of a program of SLUICE_TESTs.

#include "sluice/runtime/test.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

int main(int argc, char** argv) {
    const std::span<char* const> names(argv + 1, argv + std::max(argc, 1));
    std::vector<sluice::Test> wanted;
    for (const sluice::Test& test : sluice::registered_tests()) {
        const bool is_named = std::any_of(names.begin(), names.end(), [&](const char* name) {
            return std::string_view(name) == test.name;
        });
        if (names.empty() || is_named) {
            wanted.push_back(test);
        }
    }
    if (wanted.empty()) {
        std::puts("no such test");
        return 1;
    }
    const char* const limit = std::getenv("SLUICE_TEST_LIMIT_MS");
    const long milliseconds = limit != nullptr ? std::strtol(limit, nullptr, 10) : 60'000;
    return sluice::run_tests(wanted, std::chrono::milliseconds(milliseconds));
}
