// SlowDevice: another backend, whose files take their time.
//
// Each operation on a file begins later than asked for, by always the same time, as at a device far
// away that does any number of them at once. Sockets are as quick as ever.
//
// Ownership:    Borrows the backend behind it, and is used in its place.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/operation.h"
#include "sluice/tests/support/forwarding_backend.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::tests {

class SlowDevice final : public ForwardingBackend {
public:
    SlowDevice(Backend& real, Duration latency) noexcept
        : ForwardingBackend(real), latency_(latency) {}

    // File operations that waited at the same time.
    [[nodiscard]] std::size_t waiting_most() const noexcept { return waiting_most_; }

    void submit(Operation& operation) noexcept override {
        if (is_quick(operation.request)) {
            real().submit(operation);
            return;
        }
        operation.state = Operation::State::parked;
        waiting_.push_back({now() + latency_, &operation});
        waiting_most_ = std::max(waiting_most_, waiting_.size());
    }

    void cancel(Operation& operation) noexcept override {
        const auto is_it = [&](const Waiting& each) { return each.operation == &operation; };
        if (std::erase_if(waiting_, is_it) == 0) {
            real().cancel(operation);
            return;
        }
        operation.state = Operation::State::cancelling;
        cancelled_.push_back(&operation);
    }

    void wait(Instant until) noexcept override {
        const Instant first = waiting_.empty() ? until : std::min(until, waiting_.front().due);
        real().wait(cancelled_.empty() ? first : Instant::min());
        for (; !waiting_.empty() && waiting_.front().due <= now(); waiting_.pop_front()) {
            Operation& operation = *waiting_.front().operation;
            operation.state = Operation::State::idle;
            real().submit(operation);
        }
        for (Operation* const operation : std::exchange(cancelled_, {})) {
            operation->state = Operation::State::idle;
            operation->complete({.result = -ECANCELED});
        }
    }

private:
    struct Waiting {
        Instant due;
        Operation* operation;
    };

    static bool is_quick(const Request& request) noexcept {
        return std::holds_alternative<Accept>(request) ||
               std::holds_alternative<Connect>(request) ||
               std::holds_alternative<Receive>(request) || std::holds_alternative<Send>(request) ||
               std::holds_alternative<Poll>(request);
    }

    Duration latency_;
    std::deque<Waiting> waiting_;
    std::vector<Operation*> cancelled_;
    std::size_t waiting_most_ = 0;
};

}  // namespace sluice::tests
