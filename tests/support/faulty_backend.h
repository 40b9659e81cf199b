// FaultyBackend: another backend, one of whose operations goes wrong.
//
// A test runs the same code again and again, and each time another operation fails, in the order in
// which they are submitted: every error path is walked, on the real kernel too.
//
// Ownership:    Borrows the backend behind it, and is used in its place.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/operation.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace sluice::tests {

class FaultyBackend final : public Backend {
public:
    explicit FaultyBackend(Backend& real) noexcept : real_(real) {}

    // Told the number of each operation, from 1, before it starts. What it yields below zero is
    // the operation's result, and the real backend does not see it.
    std::function<int(std::size_t number, const Request& request)> before_each;

    // Runs on the thread that wakes, once the loop may be awake.
    std::function<void()> after_wake;

    [[nodiscard]] std::size_t submitted() const noexcept { return submitted_; }

    void submit(Operation& operation) noexcept override {
        ++submitted_;
        const int fault = before_each ? before_each(submitted_, operation.request) : 0;
        if (fault >= 0) {
            real_.submit(operation);
            return;
        }
        operation.state = Operation::State::parked;
        failing_.emplace_back(&operation, fault);
    }

    void cancel(Operation& operation) noexcept override {
        const auto is_it = [&](const auto& each) { return each.first == &operation; };
        if (std::ranges::none_of(failing_, is_it)) {
            real_.cancel(operation);
        }
    }

    void wait(Instant until) noexcept override {
        real_.wait(failing_.empty() ? until : Instant::min());
        for (const auto& [operation, fault] : std::exchange(failing_, {})) {
            operation->state = Operation::State::idle;
            operation->complete({.result = fault});
        }
    }

    void close(int fd, Ending ending) noexcept override { real_.close(fd, ending); }

    void wake() noexcept override {
        real_.wake();
        if (after_wake) {
            after_wake();
        }
    }
    [[nodiscard]] Instant now() const noexcept override { return real_.now(); }
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override {
        return real_.unix_seconds();
    }
    [[nodiscard]] Result<int> open_socket(int family) noexcept override {
        return real_.open_socket(family);
    }
    [[nodiscard]] Result<int> listen(const Endpoint& at,
                                     const ListenOptions& options) noexcept override {
        return real_.listen(at, options);
    }
    [[nodiscard]] Endpoint local_endpoint(int fd) noexcept override {
        return real_.local_endpoint(fd);
    }
    [[nodiscard]] Endpoint peer_endpoint(int fd) noexcept override {
        return real_.peer_endpoint(fd);
    }
    void shut_down_sending(int fd) noexcept override { real_.shut_down_sending(fd); }
    [[nodiscard]] SocketState socket_state(int fd) noexcept override {
        return real_.socket_state(fd);
    }
    [[nodiscard]] std::string_view name() const noexcept override { return real_.name(); }

private:
    Backend& real_;
    std::size_t submitted_ = 0;
    std::vector<std::pair<Operation*, int>> failing_;
};

}  // namespace sluice::tests
