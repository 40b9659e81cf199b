// NoSuspend: a guard that its task must not hold over a co_await that gives up the thread.
//
// Put one beside what may be held briefly and no longer, as a std::lock_guard: whoever waits for
// the lock on this thread would wait for ever, since the task that holds it cannot go on.
//
//     const std::lock_guard lock(mutex);
//     const NoSuspend briefly;
//
// Errors:       Held when its task suspends, it says where it was made, and aborts.
// Threading:    Ends on the thread, and in the order, in which it began.

#pragma once

#include <source_location>

namespace sluice {

class NoSuspend {
public:
    explicit NoSuspend(std::source_location where = std::source_location::current()) noexcept
        : where_(where), outer_(innermost) {
        innermost = this;
    }
    NoSuspend(NoSuspend&&) = delete;
    ~NoSuspend() { innermost = outer_; }

    // For what runs tasks, whenever one has given up the thread.
    static void check() noexcept {
        if (innermost != nullptr) [[unlikely]] {
            innermost->violated();
        }
    }

private:
    [[noreturn]] void violated() const noexcept;

    static constinit thread_local const NoSuspend* innermost;

    std::source_location where_;
    const NoSuspend* outer_;
};

}  // namespace sluice
