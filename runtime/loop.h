// Loop: runs coroutines on one thread, against one Backend.
//
// A turn of the loop enters the kernel once, fires timers, and resumes what became ready. That one
// call submits everything the turn before asked for and brings back everything that has completed.
//
// Ownership:    Borrows its Backend, which must outlive it. Operations and timers outlive neither.
// Completion:   Waiters are resumed from run() alone, in the order in which they became ready, each
//               on an empty stack.
// Threading:    Everything on the thread that calls run(), but for post() and backend().wake().

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/timers.h"

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>

namespace sluice {

class Loop;

// What a loop knows of a coroutine: a task's promise is one.
class Coroutine {
public:
    Coroutine() noexcept = default;
    Coroutine(Coroutine&&) = delete;

    std::coroutine_handle<> frame;
    Loop* loop = nullptr;
    StopSource* stop = nullptr;  // Null: nobody can ask.

protected:
    ~Coroutine() = default;

private:
    friend class Loop;
    Coroutine* next_ready_ = nullptr;
};

// A message to a loop from another thread. Lives where its sender keeps it, until it has run.
class Posted {
public:
    // On the loop's thread. Bookkeeping only, as Operation::complete().
    virtual void arrived() noexcept = 0;

protected:
    ~Posted() = default;

private:
    friend class Loop;
    Posted* next_ = nullptr;
};

class Loop {
public:
    explicit Loop(Backend& backend) noexcept : backend_(backend), now_(backend.now()) {}
    Loop(Loop&&) = delete;
    ~Loop();

    // Turns until `done`, which is read between turns.
    void run_until(const bool& done);

    // Queues a suspended coroutine to be resumed. It is in no queue yet.
    void schedule(Coroutine& coroutine) noexcept {
        coroutine.next_ready_ = nullptr;
        *(ready_first_ == nullptr ? &ready_first_ : &ready_last_->next_ready_) = &coroutine;
        ready_last_ = &coroutine;
    }

    // Where to go to run `coroutine` now: straight there, or, when this resume has run long enough,
    // through the queue.
    [[nodiscard]] std::coroutine_handle<> enter(Coroutine& coroutine) noexcept {
        if (--budget_ > 0) [[likely]] {
            return coroutine.frame;
        }
        schedule(coroutine);
        return std::noop_coroutine();
    }

    // Any thread. `message` runs on this loop's, once.
    void post(Posted& message) noexcept;

    void submit(Operation& operation) noexcept { backend_.submit(operation); }
    void cancel(Operation& operation) noexcept { backend_.cancel(operation); }
    void arm(Timer& timer, Instant due) noexcept { timers_.arm(timer, due); }

    // The time at the start of this turn.
    [[nodiscard]] Instant now() const noexcept { return now_; }

    [[nodiscard]] Backend& backend() noexcept { return backend_; }
    [[nodiscard]] const Timers& timers() const noexcept { return timers_; }

private:
    void turn();
    void run_ready();
    void take_posted() noexcept;

    // How many tasks one resume may start before the others get a turn. It also bounds the stack
    // where the compiler makes no tail calls.
    static constexpr int budget_per_resume = 256;
    // How many resumes one turn may take before completions and timers are looked at.
    static constexpr int resumes_per_turn = 1024;

    Backend& backend_;
    Instant now_;
    Timers timers_;
    Coroutine* ready_first_ = nullptr;
    Coroutine* ready_last_ = nullptr;  // Meaningful only while ready_first_ is not null.
    int budget_ = budget_per_resume;
    std::atomic<Posted*> posted_{nullptr};
    std::atomic<int> posting_{0};  // Threads inside post().
};

}  // namespace sluice
