// Executor: whatever runs tasks: this library's own threads, or the event loop of somebody else.
//
// It drives a Loop: by Loop::run_until(), or by Loop::poll() whenever Loop::descriptor() is
// readable or a time has come. So everything that is given that Loop runs on it unchanged; see
// examples/foreign_loop.h, which is all that it takes.
//
// Threading:    spawn() and now() on the executor's thread, post() on any.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/runs_loop.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <exception>
#include <optional>
#include <semaphore>
#include <type_traits>
#include <utility>
#include <variant>

namespace sluice {

template <typename E>
concept Executor = requires(E& executor, Task<> task, Posted& message) {
    executor.spawn(std::move(task));
    executor.post(message);
    { executor.now() } -> std::same_as<Instant>;
};

// A task on its way to an executor, and its answer on the way back.
template <Executor E, std::invocable Make>
class BlockingCall final : private Posted {
public:
    using Made = std::invoke_result_t<Make&>;
    using Answer = decltype(std::declval<Made&>().await_resume());

    BlockingCall(E& executor, Make& make) noexcept : executor_(executor), make_(make) {}

    Answer answer() {
        executor_.post(*this);
        done_.acquire();
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        if constexpr (!std::is_void_v<Answer>) {
            return std::move(*answer_);
        }
    }

private:
    void arrived() noexcept override { executor_.spawn(run(*this)); }

    static Task<> run(BlockingCall& call) {
        try {
            if constexpr (std::is_void_v<Answer>) {
                co_await call.make_();
            } else {
                Answer answer = co_await call.make_();
                call.answer_.emplace(std::move(answer));
            }
        } catch (...) {
            call.thrown_ = std::current_exception();
        }
        call.done_.release();  // From here on it may be gone.
    }

    E& executor_;
    Make& make_;
    std::optional<std::conditional_t<std::is_void_v<Answer>, std::monostate, Answer>> answer_;
    std::exception_ptr thrown_;
    std::binary_semaphore done_{0};
};

// Has `executor`, which another thread runs, run the task that `make` makes there, and waits for
// its end. What it throws is thrown. Inside a task it is a bug, and says so.
template <Executor E, std::invocable Make>
auto block_on(E& executor, Make make) {
    if (RunsLoop::here()) {
        RunsLoop::refuse();
    }
    BlockingCall<E, Make> call(executor, make);
    return call.answer();
}

}  // namespace sluice
