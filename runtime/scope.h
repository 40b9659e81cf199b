// Scope: owns running tasks, and ends when they have ended. There is no detached work.
//
// Ownership:    Owns the frames of what it spawned. Join it before it is destroyed: the destructor
//               checks, and else aborts with their names. A scope given a Context is asked to stop
//               when that task is.
// Cancellation: request_stop() asks all its tasks; join() awaits their answers. A join is not cut
//               short by a stop of the joining task, since the tasks may use its frame.
// Errors:       The first exception that a spawned task threw asks the others to stop, and leaves
//               join().
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

namespace sluice {

class Scope final : private TaskOwner {
public:
    explicit Scope(Loop& loop) noexcept : loop_(loop) {}
    explicit Scope(const Context& parent) noexcept : loop_(*parent.loop), stop_(parent.stop) {}
    Scope(Scope&&) = delete;
    ~Scope() {
        if (running_ != 0) [[unlikely]] {
            left_running();
        }
    }

    // Starts `task` from the loop's queue.
    void spawn(Task<> task) {
        ++running_;
        task.release(loop_, &stop_, *this);
    }

    void request_stop() noexcept { stop_.request(); }
    [[nodiscard]] StopSource& stop() noexcept { return stop_; }
    [[nodiscard]] std::size_t running() const noexcept { return running_; }

    // Waits until no task is running. More may be spawned meanwhile, and later.
    [[nodiscard]] Task<> join();

private:
    void finished(Coroutine& coroutine) noexcept override;
    [[noreturn]] void left_running() const noexcept;

    Loop& loop_;
    StopSource stop_;
    std::size_t running_ = 0;
    Event empty_{EventKind::tasks_end};
    std::exception_ptr thrown_;
};

// Running<T>: one started task whose result is awaited later, and must be.
template <typename T>
class Running final : private TaskOwner {
public:
    // Starts `task` from the loop's queue; it is asked to stop when `context`'s task is.
    Running(const Context& context, Task<T> task) : stop_(context.stop), task_(std::move(task)) {
        task_.start(*context.loop, &stop_, *this);
    }
    Running(Running&&) = delete;
    ~Running() { ensure(done_.is_set()); }

    void request_stop() noexcept { stop_.request(); }
    [[nodiscard]] bool is_done() const noexcept { return done_.is_set(); }

    // Also set `event`, which outlives this, when the task is done.
    void notify(Event& event) noexcept { notified_ = &event; }

    // Awaitable: the end, whatever becomes of the awaiting task. The result is then take()n.
    [[nodiscard]] auto join() noexcept { return done_.wait_regardless(); }

    // Of a task that is done: its result, or its exception. Once.
    [[nodiscard]] T take() { return task_.take(); }

private:
    void finished(Coroutine&) noexcept override {
        done_.set();
        if (notified_ != nullptr) {
            notified_->set();
        }
    }

    StopSource stop_;
    Task<T> task_;
    Event done_{EventKind::task_end};
    Event* notified_ = nullptr;
};

// Awaits `task` under `stop` instead of the awaiting task's own source.
template <typename T>
class Under {
public:
    Under(StopSource* stop, Task<T> task) noexcept : stop_(stop), task_(std::move(task)) {}

    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
        return task_.begin(awaiting.promise(), stop_);
    }

    T await_resume()
        requires(!is_result<T>)
    {
        return task_.await_resume();
    }
    [[nodiscard]] T await_resume()
        requires is_result<T>
    {
        return task_.await_resume();
    }

private:
    StopSource* stop_;
    Task<T> task_;
};

// Runs `task` to its own end: a stop of the awaiting task does not reach it.
template <typename T>
[[nodiscard]] Under<T> shielded(Task<T> task) noexcept {
    return Under<T>(nullptr, std::move(task));
}

}  // namespace sluice
