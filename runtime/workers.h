// Workers: threads for calls that block, so that no loop ever does.
//
// Ownership:    `co_await offload(function)` keeps the call in the awaiting frame until it is done,
//               so the function may use that frame. Threads start when there is work for them,
//               stay, and are joined when the pool is destroyed; at exit, for the shared one.
// Completion:   Calls start in the order they came, at most `threads_max` at once.
// Cancellation: A blocking call cannot be interrupted: a stop does not reach it, and is awaited.
// Errors:       Whatever the function yields. What it throws is thrown where it is awaited.
// Threading:    The function runs on another thread, with all signals blocked; its awaiter goes on
//               on its own loop's. On the simulator it runs at once, in place.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace sluice {

class Workers {
public:
    // A call, kept where it is by whoever made it, until it has run.
    class Job {
    public:
        virtual void run() noexcept = 0;

    protected:
        ~Job() = default;

    private:
        friend class Workers;
        Job* next_ = nullptr;
    };

    static constexpr std::size_t threads_max_default = 8;

    explicit Workers(std::size_t threads_max = threads_max_default);
    Workers(Workers&&) = delete;
    ~Workers();

    // The pool of the process.
    [[nodiscard]] static Workers& shared();

    // Any thread. `job` is run once; here and now if no thread can be had.
    void run(Job& job);

private:
    void work() noexcept;

    std::size_t threads_max_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::thread> threads_;
    Job* first_ = nullptr;
    Job* last_ = nullptr;
    std::size_t queued_ = 0;
    std::size_t idle_ = 0;
    bool is_ending_ = false;
};

// One call to `F` on a worker, whose answer comes back to `loop`.
template <std::invocable F>
class OffloadedCall final : public Workers::Job, public Posted {
public:
    using Answer = std::invoke_result_t<F&>;

    OffloadedCall(Loop& loop, F& function) noexcept : loop_(loop), function_(function) {}

    [[nodiscard]] Event::Wait done() noexcept { return done_.wait_regardless(); }

    Answer take() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        if constexpr (!std::is_void_v<Answer>) {
            return std::move(*answer_);
        }
    }

private:
    void run() noexcept override {
        try {
            if constexpr (std::is_void_v<Answer>) {
                function_();
            } else {
                answer_.emplace(function_());
            }
        } catch (...) {
            thrown_ = std::current_exception();
        }
        loop_.post(*this);
    }

    void arrived() noexcept override { done_.set(); }

    Loop& loop_;
    F& function_;
    std::optional<std::conditional_t<std::is_void_v<Answer>, std::monostate, Answer>> answer_;
    std::exception_ptr thrown_;
    Event done_{EventKind::call_end};
};

template <std::invocable F>
[[nodiscard]] Task<std::invoke_result_t<F&>> offload(F function) {
    const Context context = co_await this_task();
    if (context.loop->backend().name() == "simulated") {
        co_return function();
    }
    OffloadedCall<F> call(*context.loop, function);
    Workers::shared().run(call);
    co_await call.done();
    co_return call.take();
}

}  // namespace sluice
