// Task<T>: a lazy coroutine that yields exactly one T, and runs to its end once started.
//
// A started task cannot be destroyed half-way, so a buffer in its frame may be lent to the kernel.
// It can be asked to stop (stop.h), and answers with its result.
//
// Ownership:    The Task owns its frame. A reference given to a function that returns a Task must
//               outlive the Task. The destructor checks that the frame is unstarted or finished,
//               and else aborts with the task's name.
// Completion:   Nothing runs until it is awaited, or given to a Scope. A task resumes its awaiter
//               on the same thread. Now and then awaiting goes through the loop's queue, so that a
//               chain of tasks that are always ready can neither starve others nor grow the stack.
// Cancellation: See stop.h.
// Errors:       A coroutine that can fail yields Result<T>. Exceptions come from user code only and
//               pass through to the awaiter unchanged.
// Threading:    One thread, for life: the one that runs its Loop.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/frame_pool.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/stop.h"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <expected>
#include <optional>
#include <utility>

namespace sluice {

template <typename T>
class Task;

template <typename T>
inline constexpr bool is_result = false;
template <typename T, typename E>
inline constexpr bool is_result<std::expected<T, E>> = true;

// Says which task was destroyed half-way, and what it waits for, and aborts.
[[noreturn]] void destroyed_half_way(const Coroutine& task) noexcept;

class TaskPromise : public Coroutine {
public:
    static void* operator new(std::size_t octets) { return frame_pool.allocate(octets); }
    static void operator delete(void* frame, std::size_t octets) noexcept {
        frame_pool.free(frame, octets);
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept { return Finish{}; }
    void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

protected:
    void rethrow() const {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
    }

private:
    template <typename T>
    friend class Task;

    // Hands the thread straight to the awaiter, so a chain of returns uses no stack.
    struct Finish {
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
            TaskPromise& promise = frame.promise();
            if (TaskOwner* const owner = promise.owner()) {
                owner->finished(promise);
                return std::noop_coroutine();
            }
            Coroutine& awaiter = *promise.awaiter();
            return awaiter.loop->enter(awaiter);
        }
        void await_resume() const noexcept {}
    };

    std::exception_ptr thrown_;
};

template <typename T>
class TaskResult : public TaskPromise {
public:
    void return_value(T value) { value_.emplace(std::move(value)); }

protected:
    T take() {
        rethrow();
        ensure(value_.has_value());
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
};

template <>
class TaskResult<void> : public TaskPromise {
public:
    void return_void() const noexcept {}

protected:
    void take() const { rethrow(); }
};

template <typename T = void>
class [[nodiscard]] Task {
public:
    class promise_type : public TaskResult<T> {
    public:
        Task get_return_object() noexcept {
            static_assert(alignof(promise_type) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
            const auto handle = std::coroutine_handle<promise_type>::from_promise(*this);
            this->frame = handle;
            return Task(handle);
        }

    private:
        friend class Task;
    };

    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task& operator=(Task&&) = delete;

    ~Task() {
        if (handle_) {
            if (handle_.promise().loop != nullptr && !handle_.done()) [[unlikely]] {
                destroyed_half_way(handle_.promise());
            }
            handle_.destroy();
        }
    }

    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
        Coroutine& awaiter = awaiting.promise();
        return begin(awaiter, awaiter.stop);
    }

    T await_resume()
        requires(!is_result<T>)
    {
        return taken();
    }
    // A failure is not dropped without a word. Clang warns of that; GCC 12 does at no co_await.
    [[nodiscard]] T await_resume()
        requires is_result<T>
    {
        return taken();
    }

    // For what wraps awaiting: starts the task for `awaiter`, under `stop`. Yields the coroutine to
    // transfer to.
    [[nodiscard]] std::coroutine_handle<> begin(Coroutine& awaiter, StopSource* stop) noexcept {
        promise_type& promise = started(*awaiter.loop, stop);
        promise.awaited_by(awaiter);
        return promise.loop->enter(promise);
    }

    // For what owns tasks that nobody awaits: starts the task from the loop's queue. The frame
    // stays this Task's.
    void start(Loop& loop, StopSource* stop, TaskOwner& owner) noexcept {
        promise_type& promise = started(loop, stop);
        promise.owned_by(owner);
        loop.schedule(promise);
    }

    // As start(), and lets go of the frame: the owner destroys it once finished.
    void release(Loop& loop, StopSource* stop, TaskOwner& owner) noexcept {
        start(loop, stop, owner);
        handle_ = {};
    }

    // Of a finished task: its result, or its exception.
    T take() { return handle_.promise().take(); }

    // Of the coroutine of a finished task that was released.
    [[nodiscard]] static std::exception_ptr thrown_by(const Coroutine& coroutine) noexcept {
        return static_cast<const TaskPromise&>(coroutine).thrown_;
    }

private:
    explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

    T taken() {
        const Task finished(std::move(*this));  // The frame goes, and what the task was given.
        return finished.handle_.promise().take();
    }

    promise_type& started(Loop& loop, StopSource* stop) noexcept {
        promise_type& promise = handle_.promise();
        ensure(promise.loop == nullptr);
        promise.loop = &loop;
        promise.stop = stop;
        return promise;
    }

    std::coroutine_handle<promise_type> handle_;
};

// A Task of anything.
template <typename T>
concept AnyTask =
    requires(T& task) { requires std::same_as<T, Task<decltype(task.await_resume())>>; };

}  // namespace sluice
