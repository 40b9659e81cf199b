// combine: several tasks as one: all of them, the first of them, one within a time limit.
//
// Each awaits every task that it started, also those that lost or were asked to stop: when it ends,
// nothing it started is running, so the tasks may use the awaiting frame. A loser's result is kept:
// a stop that came too late has lost nothing.
//
// Cancellation: A stop of the awaiting task reaches all the tasks.
// Errors:       when_all() asks the others to stop at the first Result that is an error, and yields
//               every result all the same. An exception asks the others to stop too, and leaves
//               once all tasks have ended.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/timers.h"

#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

namespace sluice {

// Tasks that run at once and are awaited together.
class Siblings final : private TaskOwner {
public:
    explicit Siblings(const Context& parent) noexcept : loop_(*parent.loop), stop_(parent.stop) {}
    Siblings(Siblings&&) = delete;

    template <typename T>
    void start(Task<T>& task) {
        ++running_;
        task.start(loop_, &stop_, *this);
    }

    [[nodiscard]] StopSource& stop() noexcept { return stop_; }

    // Awaitable: all have ended.
    [[nodiscard]] auto all_ended() noexcept { return ended_.wait_regardless(); }

private:
    // A task that throws has failed: nobody should wait out the others.
    void finished(Coroutine& coroutine) noexcept override {
        if (Task<>::thrown_by(coroutine)) {
            stop_.request();
        }
        if (--running_ == 0) {
            ended_.set();
        }
    }

    Loop& loop_;
    StopSource stop_;
    std::size_t running_ = 0;
    Event ended_{EventKind::tasks_end};
};

// One of when_all()'s tasks: the others stop when it fails.
template <typename T>
[[nodiscard]] Task<T> stopping_others_on_error(Task<T> task, StopSource& others) {
    T result = co_await task;
    if constexpr (requires { result.error(); }) {
        if (!result.has_value()) {
            others.request();
        }
    }
    co_return result;
}

template <typename... T>
[[nodiscard]] Task<std::tuple<T...>> gather(Siblings& siblings, Task<T>... tasks) {
    (siblings.start(tasks), ...);
    co_await siblings.all_ended();
    co_return std::tuple<T...>(tasks.take()...);
}

// Runs all tasks at once, and yields all results, in order. A task yields something, not void.
template <typename... T>
[[nodiscard]] Task<std::tuple<T...>> when_all(Task<T>... tasks) {
    const Context context = co_await this_task();
    Siblings siblings(context);
    Task<std::tuple<T...>> gathering =
        gather(siblings, stopping_others_on_error(std::move(tasks), siblings.stop())...);
    std::tuple<T...> results = co_await gathering;
    co_return results;
}

template <typename... T>
struct First {
    std::size_t index;         // Of the task that ended first.
    std::tuple<T...> results;  // Of all, the stopped ones too.
};

// One of when_any()'s tasks: the first to end stops the others.
template <typename T>
[[nodiscard]] Task<T> stopping_others(Task<T> task, std::size_t index,
                                      std::optional<std::size_t>& first, StopSource& others) {
    T result = co_await task;
    if (!first) {
        first = index;
        others.request();
    }
    co_return result;
}

// Runs all tasks at once until one has ended, and awaits the others' answer to being stopped.
template <typename... T>
[[nodiscard]] Task<First<T...>> when_any(Task<T>... tasks) {
    const Context context = co_await this_task();
    Siblings siblings(context);
    std::optional<std::size_t> first;
    const auto race = [&]<std::size_t... index>(std::index_sequence<index...>) {
        return gather(siblings,
                      stopping_others(std::move(tasks), index, first, siblings.stop())...);
    };
    Task<std::tuple<T...>> gathering = race(std::index_sequence_for<T...>());
    std::tuple<T...> results = co_await gathering;
    First<T...> outcome{*first, std::move(results)};
    co_return outcome;
}

// Asks `stop` at an instant.
class StopAt final : private Timer {
public:
    StopAt(Loop& loop, Instant due, StopSource& stop) noexcept : stop_(stop) {
        loop.arm(*this, due);
    }

    [[nodiscard]] bool passed() const noexcept { return passed_; }

private:
    void fired() noexcept override {
        passed_ = true;
        stop_.request();
    }

    StopSource& stop_;
    bool passed_ = false;
};

// Asks `task` to stop at `due`, awaits its answer, and yields that; an answer of `cancelled` for
// this reason becomes `timed_out`. What came in at the last moment is not lost.
template <typename T>
[[nodiscard]] Task<Result<T>> with_deadline(Instant due, Task<Result<T>> task) {
    const Context context = co_await this_task();
    StopSource stop(context.stop);
    const StopAt deadline(*context.loop, due, stop);
    Under<Result<T>> limited(&stop, std::move(task));
    Result<T> result = co_await limited;
    const bool asked_above = context.stop != nullptr && context.stop->requested();
    if (!result && result.error().code == Errc::cancelled && deadline.passed() && !asked_above) {
        Error error = result.error();
        error.code = Errc::timed_out;
        error.os_errno = 0;  // Of the cancel; the kernel did not give up.
        co_return std::unexpected(error);
    }
    co_return result;
}

template <typename T>
[[nodiscard]] Task<Result<T>> with_timeout(Duration limit, Task<Result<T>> task) {
    const Context context = co_await this_task();
    Result<T> result = co_await with_deadline(after(context.loop->now(), limit), std::move(task));
    co_return result;
}

}  // namespace sluice
