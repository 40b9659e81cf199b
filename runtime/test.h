// SLUICE_TEST: a test that is a task on a loop of its own, beside SLUICE_MAIN.
//
//     SLUICE_TEST(an_upload_is_stored, sluice::Loop& loop) {
//         ...
//         co_return stored;  // A number, a Result, or an Error; 0 and a value mean that it passed.
//     }
//
// The program links //runtime:test_main. It runs all its tests, or those whose names it is given,
// and says of each how it went; its exit status is that of the first that failed. Tests of another
// framework can be tasks by block_on().
//
// Completion:   A test that does not complete within SLUICE_TEST_LIMIT_MS, or 60 s, ends the
//               program with 1, after a dump of its tasks.
// Errors:       An Error, or the text of an exception, is told in the test's line.
// Threading:    One test after another, on one thread; the limit is watched by another.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/main.h"
#include "sluice/runtime/task.h"

#include <functional>
#include <span>
#include <string_view>

namespace sluice {

struct Test {
    const char* name;
    std::function<Task<ExitStatus>(Loop&)> body;
};

// Makes a test known to the program, before main().
class RegisteredTest {
public:
    explicit RegisteredTest(Test test);
};

[[nodiscard]] std::span<const Test> registered_tests() noexcept;

// Yields the exit status.
[[nodiscard]] int run_tests(std::span<const Test> tests, Duration limit);

}  // namespace sluice

#define SLUICE_TEST(name, ...)                                                   \
    static ::sluice::Task<::sluice::ExitStatus> sluice_test_##name(__VA_ARGS__); \
    static const ::sluice::RegisteredTest sluice_registered_##name(              \
        ::sluice::Test{#name, sluice_test_##name});                              \
    static ::sluice::Task<::sluice::ExitStatus> sluice_test_##name(__VA_ARGS__)
