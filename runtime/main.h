// SLUICE_MAIN: the main() of a program that is one task on one loop.
//
//     SLUICE_MAIN(sluice::Loop& loop) {
//         ...
//         co_return co_await server.listen(at);
//     }
//
// Its parameters are a Loop&, and, if wanted, a sluice::Arguments: those after the program's name.
// It may co_return a number, a Result, or an Error. The backend is that of SLUICE_BACKEND, or the
// best there is.
//
// Errors:       An error or an exception is told in a line on stderr; the exit status is then 1.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

using Arguments = std::vector<std::string_view>;

// What main() returns, and why.
class ExitStatus {
public:
    ExitStatus(int status) noexcept : status_(status) {}
    ExitStatus(const Error& error) noexcept : status_(1), error_(error) {}
    template <typename T>
    ExitStatus(const Result<T>& result) noexcept
        : status_(result ? 0 : 1), error_(result ? Error{} : result.error()) {}

    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const Error& error() const noexcept { return error_; }

private:
    int status_;
    Error error_;
};

[[nodiscard]] int run_main(const std::function<Task<ExitStatus>(Loop&)>& body);

template <std::invocable<Loop&> Body>
[[nodiscard]] int run_main(const Body& body, int, char* const*) {
    return run_main(body);
}

template <std::invocable<Loop&, Arguments> Body>
[[nodiscard]] int run_main(const Body& body, int count, char* const* values) {
    const Arguments arguments(values + (count > 0 ? 1 : 0), values + count);
    return run_main([&](Loop& loop) { return body(loop, arguments); });
}

}  // namespace sluice

#define SLUICE_MAIN(...)                                                  \
    static ::sluice::Task<::sluice::ExitStatus> sluice_main(__VA_ARGS__); \
    int main(int argc, char** argv) {                                     \
        return ::sluice::run_main(sluice_main, argc, argv);               \
    }                                                                     \
    static ::sluice::Task<::sluice::ExitStatus> sluice_main(__VA_ARGS__)
