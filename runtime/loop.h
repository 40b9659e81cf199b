// Loop: runs coroutines on one thread, against one Backend.
//
// A turn of the loop enters the kernel once, fires timers, and resumes what became ready. That one
// call submits everything the turn before asked for and brings back everything that has completed.
//
// Ownership:    Borrows its Backend, which must outlive it. Operations and timers outlive neither.
// Completion:   Waiters are resumed from run() alone, in the order in which they became ready, each
//               on an empty stack.
// Threading:    Everything on the thread that calls run(), but for post() and backend().wake().
//               Where a program has an event loop of its own, that one calls poll().

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/timers.h"

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>

namespace sluice {

class Coroutine;
class Loop;

// What owns a started task that nobody awaits: a Scope, a Running.
class TaskOwner {
public:
    // The task has finished. The owner may destroy its frame, now or later.
    virtual void finished(Coroutine& coroutine) noexcept = 0;

protected:
    ~TaskOwner() = default;
};

// What a loop knows of a coroutine: a task's promise is one. Where it stands in a frame, and that
// its first word is the frame's address, is what a dump finds it by (task_dump.h).
class Coroutine {
public:
    Coroutine() noexcept = default;
    Coroutine(Coroutine&&) = delete;

    std::coroutine_handle<> frame;
    Loop* loop = nullptr;
    StopSource* stop = nullptr;  // Null: nobody can ask.

    // Said by whatever suspends it, once it is sure to: `wait` lives until it has been scheduled.
    void waits_for(const StopListener& wait) noexcept;

    // What it waits for that is no task; null if it runs, is ready to, or awaits a task.
    [[nodiscard]] const StopListener* wait() const noexcept { return wait_; }
    // When it last began to wait: in ticks of about a millisecond, as Loop::coarse_now().
    [[nodiscard]] std::uint32_t since() const noexcept { return since_; }

    // Who is resumed at its end, or else told.
    [[nodiscard]] Coroutine* awaiter() const noexcept {
        return is_owned() ? nullptr : reinterpret_cast<Coroutine*>(parent_);
    }
    [[nodiscard]] TaskOwner* owner() const noexcept {
        return is_owned() ? reinterpret_cast<TaskOwner*>(parent_ - 1) : nullptr;
    }

protected:
    ~Coroutine() = default;

    void awaited_by(Coroutine& awaiter) noexcept;
    void awaited_by_nobody() noexcept { parent_ = 0; }
    void owned_by(TaskOwner& owner) noexcept {
        parent_ = reinterpret_cast<std::uintptr_t>(&owner) + 1;
    }

private:
    friend class Loop;

    [[nodiscard]] bool is_owned() const noexcept { return (parent_ & 1) != 0; }

    Coroutine* next_ready_ = nullptr;
    const StopListener* wait_ = nullptr;
    std::uintptr_t parent_ = 0;  // An awaiter's address, or an owner's and 1.
    std::uint32_t since_ = 0;
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

// Asks a loop to show itself, on its own thread: see Loop::inspect().
class Inspection final : private Posted {
public:
    using Look = void (*)(Loop& loop);

    explicit Inspection(Loop& loop) noexcept : loop_(loop) {}

private:
    friend class Loop;
    void arrived() noexcept override;

    Loop& loop_;
    std::atomic<Look> look_{nullptr};  // Null: nobody asks.
};

class Loop {
public:
    explicit Loop(Backend& backend) noexcept;
    Loop(Loop&&) = delete;
    ~Loop();

    // Turns until `done`, which is read between turns.
    void run_until(const bool& done);

    // Does all that there is to do now, or a good deal of it, without waiting. Yields when to come
    // back at the latest: `never` if only for a readable descriptor(), Instant::min() for at once.
    [[nodiscard]] Instant poll();

    // Readable when there is something to poll() for; -1 if the backend has none. Ask for it before
    // the first poll(): of what is under way by then it may not tell.
    [[nodiscard]] int descriptor() noexcept { return backend_.descriptor(); }

    // Queues a suspended coroutine to be resumed. It is in no queue yet.
    void schedule(Coroutine& coroutine) noexcept {
        coroutine.wait_ = nullptr;
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

    // Any thread: visits every loop of the process. None begins or ends meanwhile.
    template <typename Visit>
    static void for_each(Visit visit) {
        const Registry registry;
        for (Loop* loop = registry.first(); loop != nullptr; loop = loop->next_) {
            visit(*loop);
        }
    }

    // From for_each(): calls `look` between two resumes, soon, unless the loop ends before.
    void inspect(Inspection::Look look) noexcept;

    // From for_each(): odd while a task runs, and changed by each resume. And the thread that runs
    // this loop, as gettid(2) knows it, or 0.
    [[nodiscard]] std::uint64_t beat() const noexcept {
        return beat_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] int thread() const noexcept { return thread_.load(std::memory_order_relaxed); }

    void submit(Operation& operation) noexcept { backend_.submit(operation); }
    void cancel(Operation& operation) noexcept { backend_.cancel(operation); }
    void arm(Timer& timer, Instant due) noexcept { timers_.arm(timer, due); }

    // The time at the start of this turn.
    [[nodiscard]] Instant now() const noexcept { return now_; }
    [[nodiscard]] std::uint32_t coarse_now() const noexcept { return coarse_now_; }
    static constexpr int coarse_bits = 20;  // 2^20 ns

    // Where somebody still needs its turns, a loop goes on in its destructor until nobody does.
    void needed_still() noexcept { ++needed_; }
    void needed_no_longer() noexcept { --needed_; }

    [[nodiscard]] Backend& backend() noexcept { return backend_; }
    [[nodiscard]] const Timers& timers() const noexcept { return timers_; }

private:
    // All loops of the process, locked.
    class Registry {
    public:
        Registry() noexcept;
        Registry(Registry&&) = delete;
        ~Registry();
        [[nodiscard]] Loop*& first() const noexcept;
    };

    void turn(Instant until);
    void run_ready();
    void take_posted() noexcept;
    [[nodiscard]] Posted* all_posted() noexcept;
    void beat_once() noexcept { beat_.store(beat() + 1, std::memory_order_relaxed); }

    // How many tasks one resume may start before the others get a turn. It also bounds the stack
    // where the compiler makes no tail calls.
    static constexpr int budget_per_resume = 256;
    // How many resumes one turn may take before completions and timers are looked at.
    static constexpr int resumes_per_turn = 1024;
    static constexpr int turns_per_poll = 16;

    Backend& backend_;
    Instant now_;
    std::uint32_t coarse_now_ = 0;
    Timers timers_;
    Coroutine* ready_first_ = nullptr;
    Coroutine* ready_last_ = nullptr;  // Meaningful only while ready_first_ is not null.
    int budget_ = budget_per_resume;
    int needed_ = 0;
    std::atomic<Posted*> posted_{nullptr};
    std::atomic<int> posting_{0};  // Threads inside post().
    std::atomic<std::uint64_t> beat_{0};
    std::atomic<int> thread_{0};
    Inspection inspection_{*this};
    Loop* previous_ = nullptr;  // Among the process's.
    Loop* next_ = nullptr;
};

inline void Coroutine::waits_for(const StopListener& wait) noexcept {
    wait_ = &wait;
    since_ = loop->coarse_now();
}

inline void Coroutine::awaited_by(Coroutine& awaiter) noexcept {
    parent_ = reinterpret_cast<std::uintptr_t>(&awaiter);
    awaiter.since_ = loop->coarse_now();
}

}  // namespace sluice
