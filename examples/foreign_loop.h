// ForeignLoop: an event loop as a program may have had for years, that runs Sluice's tasks too.
//
// All it needs to know is a descriptor to watch and a time to be back at.

#pragma once

#include "sluice/runtime/executor.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace sluice::examples {

class ForeignLoop {
public:
    explicit ForeignLoop(Backend& backend) : loop_(backend) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = loop_.descriptor()}};
        epoll_ctl(epoll_, EPOLL_CTL_ADD, loop_.descriptor(), &event);
    }
    ForeignLoop(ForeignLoop&&) = delete;
    ~ForeignLoop() { ::close(epoll_); }

    [[nodiscard]] Loop& loop() noexcept { return loop_; }

    void spawn(Task<> task) { scope_.spawn(std::move(task)); }
    void post(Posted& message) noexcept { loop_.post(message); }
    [[nodiscard]] Instant now() const noexcept { return loop_.now(); }

    // Until nothing that was spawned runs.
    void run() {
        for (Instant due = loop_.poll(); scope_.running() > 0; due = loop_.poll()) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now()).count();
            const auto wait = std::clamp<std::int64_t>(due == Instant::min() ? 0 : left, 0, 60'000);
            epoll_event event;  // The program's own descriptors would be watched here too.
            epoll_wait(epoll_, &event, 1, static_cast<int>(wait));
            ++wakes_;
        }
    }

    // How often it was woken: a loop that spins would show.
    [[nodiscard]] std::uint64_t wakes() const noexcept { return wakes_; }

private:
    int epoll_ = epoll_create1(EPOLL_CLOEXEC);
    Loop loop_;
    Scope scope_{loop_};
    std::uint64_t wakes_ = 0;
};

static_assert(Executor<ForeignLoop>);

}  // namespace sluice::examples
