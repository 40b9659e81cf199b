// Serialized<T>: a value that coroutines modify one after another, each to its end.
//
//     Serialized<Index> index;
//     co_await index.modify(add_entry, name);   // Task<> add_entry(Index&, std::string)
//
// A lock protects a value for as long as everybody remembers to take it, and to leave the value in
// order when they are stopped half-way. Here the value can only be reached in its turn, and whoever
// has submitted a modification may be asked to stop: the modification still completes.
//
// Ownership:    Outlives the modifications. What they borrow outlives them: they are awaited.
// Completion:   Modifications run in the order in which they were submitted, one at a time, and
//               each yields what its coroutine yields.
// Cancellation: None once it has been submitted, in its turn or before. One that is submitted under
//               a stop is run as well.
// Errors:       A modification that submits another to the same value, and so waits for itself,
//               stops the process and is told so, instead of waiting for ever.
// Threading:    Tasks of any loops; a modification runs on the loop of who submitted it.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/mutex.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <type_traits>
#include <utility>

namespace sluice {

// A coroutine that modifies a T, given these arguments.
template <typename F, typename T, typename... Arguments>
concept Modification =
    std::invocable<F&, T&, Arguments...> && AnyTask<std::invoke_result_t<F&, T&, Arguments...>>;

template <typename T>
class Serialized {
public:
    template <typename... Arguments>
        requires std::constructible_from<T, Arguments...>
    explicit Serialized(Arguments&&... arguments) : value_(std::forward<Arguments>(arguments)...) {}
    Serialized(Serialized&&) = delete;

    // Yields what `modify(value, arguments...)`, a Task, yields.
    template <typename F, typename... Arguments>
        requires Modification<F, T, Arguments...>
    [[nodiscard]] std::invoke_result_t<F&, T&, Arguments...> modify(F modification,
                                                                    Arguments... arguments) {
        using Yielded = decltype(modification(value_, std::move(arguments)...).await_resume());
        const Context context = co_await this_task();
        ensure(context.stop == nullptr || !context.stop->is_below(turn_),
               "Serialized: a modification submits another one to the same value, and would wait "
               "for itself");
        const Result<Mutex::Lock> lock = co_await shielded(mutex_.lock());
        Under<Yielded> modifying(&turn_, modification(value_, std::move(arguments)...));
        if constexpr (std::is_void_v<Yielded>) {
            co_await modifying;
        } else {
            Yielded yielded = co_await modifying;
            co_return yielded;
        }
    }

private:
    T value_;
    Mutex mutex_;
    StopSource turn_;  // Never asked: what runs under it is a modification of this value.
};

}  // namespace sluice
