// Watchdog: notices a task that keeps its loop from running, and names it.
//
// A thread of its own looks at every loop of the process, several times in the limit. A resume that
// lasts longer is reported once, while it lasts, with the stack of its thread; the task at fault is
// the innermost coroutine on it, also where it shares a parent with others.
//
//     const Watchdog watchdog({.limit = std::chrono::milliseconds(100)});
//
// Completion:   A resume that ends within the limit is never reported; one that lasts a quarter
//               longer is, as far as the watchdog's own thread gets to run.
// Errors:       The stack is empty where the thread cannot be interrupted (thread_stack.h).
// Threading:    One in a program. `report` runs on the watchdog's thread.

#pragma once

#include "sluice/runtime/clock.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace sluice {

struct Stall {
    std::string task;                // Empty if it is not known.
    Duration at_least;               // How long it has kept its loop so far.
    std::vector<std::string> stack;  // The innermost function first.
};

// "a task keeps its loop for 0.134 s: NAME", and the stack, as lines.
[[nodiscard]] std::string describe(const Stall& stall);

struct WatchdogOptions {
    Duration limit = std::chrono::milliseconds(100);
    std::function<void(const Stall&)> report = {};  // By default a text on stderr.
};

class Watchdog {
public:
    explicit Watchdog(WatchdogOptions options = {});
    Watchdog(Watchdog&&) = delete;
    ~Watchdog();

    // How often it has looked, at every loop.
    [[nodiscard]] std::uint64_t looks() const noexcept {
        return looks_.load(std::memory_order_acquire);
    }

private:
    void watch(const std::stop_token& stop);

    WatchdogOptions options_;
    std::atomic<std::uint64_t> looks_{0};
    std::jthread thread_;
};

}  // namespace sluice
