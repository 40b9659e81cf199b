// WaitLine, Waiter: where tasks of any loop stand in line for something that a lock guards.
//
// A waiter lives in the frame that waits, so a wait allocates nothing, and is in line until it is
// served or asked to stop, whichever comes first under the lock. A task cannot leave the line in
// any other way: nobody is handed something that nobody takes. First come, first served.
//
// Ownership:    The lock and the line outlive the wait.
// Completion:   co_await yields whether it was served. A waiter of another loop is told by
//               Loop::post(), one of the same loop directly.
// Cancellation: A stop takes the waiter out of the line. If it was served just before, it stays
//               served. Under a source that has been asked already nothing is begun.
// Threading:    A waiter belongs to its task's loop; a line to whoever holds the lock.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/stop.h"

#include <concepts>
#include <coroutine>
#include <mutex>
#include <string>
#include <utility>

namespace sluice {

class Served;
class Waiter;

class WaitLine {
public:
    WaitLine() noexcept = default;
    WaitLine(WaitLine&&) = delete;
    ~WaitLine() { ensure(empty()); }

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] Waiter* front() const noexcept { return first_; }
    void push(Waiter& waiter) noexcept;
    void remove(Waiter& waiter) noexcept;

    // Takes the first out of the line, to be told once the lock is open. There is one.
    void serve_front(Served& served) noexcept;

private:
    Waiter* first_ = nullptr;
    Waiter* last_ = nullptr;
};

class Waiter : private Posted, private StopListener {
public:
    Waiter(std::mutex& lock, WaitLine& line) noexcept : lock_(lock), line_(line) {}

    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiting) {
        return waits(awaiting.promise());
    }

    bool await_resume() const noexcept { return is_served_; }

protected:
    ~Waiter() { ensure(!is_in_line_); }

    // For a dump: "lock 0x55d0c3a1e2b0".
    [[nodiscard]] static std::string waits_for(const char* what, const void* of);
    [[nodiscard]] std::string waits_for() const override = 0;

private:
    friend class Served;
    friend class WaitLine;

    // Under the lock: whether there was no need to wait. Who else is served by that is told later.
    virtual bool served_at_once(Served& others) = 0;

    bool waits(Coroutine& coroutine);
    void arrived() noexcept override;
    void stop_requested() noexcept override;

    std::mutex& lock_;
    WaitLine& line_;
    Coroutine* coroutine_ = nullptr;
    Waiter* previous_ = nullptr;
    Waiter* next_ = nullptr;
    bool is_in_line_ = false;
    bool is_served_ = false;
};

// Waiters that have been served and not yet been told: that is done by the destructor, which comes
// after the lock's, so that nobody wakes up to find it closed.
class Served {
public:
    // `here` is the loop of the calling thread, or null where that is not known.
    explicit Served(Loop* here) noexcept : here_(here) {}
    Served(Served&&) = delete;
    ~Served();

private:
    friend class WaitLine;

    Loop* here_;
    Waiter* first_ = nullptr;
    Waiter* last_ = nullptr;
};

}  // namespace sluice
