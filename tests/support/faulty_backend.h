// FaultyBackend: another backend, one of whose operations goes wrong.
//
// A test runs the same code again and again, and each time another operation fails, in the order in
// which they are submitted: every error path is walked, on the real kernel too.
//
// Ownership:    Borrows the backend behind it, and is used in its place.

#pragma once

#include "sluice/runtime/operation.h"
#include "sluice/tests/support/forwarding_backend.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace sluice::tests {

class FaultyBackend final : public ForwardingBackend {
public:
    using ForwardingBackend::ForwardingBackend;

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
            real().submit(operation);
            return;
        }
        operation.state = Operation::State::parked;
        failing_.emplace_back(&operation, fault);
    }

    void cancel(Operation& operation) noexcept override {
        const auto is_it = [&](const auto& each) { return each.first == &operation; };
        if (std::ranges::none_of(failing_, is_it)) {
            real().cancel(operation);
        }
    }

    void wait(Instant until) noexcept override {
        real().wait(failing_.empty() ? until : Instant::min());
        for (const auto& [operation, fault] : std::exchange(failing_, {})) {
            operation->state = Operation::State::idle;
            operation->complete({.result = fault});
        }
    }

    void wake() noexcept override {
        real().wake();
        if (after_wake) {
            after_wake();
        }
    }

private:
    std::size_t submitted_ = 0;
    std::vector<std::pair<Operation*, int>> failing_;
};

}  // namespace sluice::tests
