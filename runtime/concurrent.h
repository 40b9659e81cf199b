// ConcurrentSource: what jobs yield, several of which run at once, in the order of their starts.
//
//     ConcurrentSource pages(context, urls, 4, fetch_page);   // Task<Result<Page>> fetch_page(Url)
//
// The jobs run while the reader is busy with something else, and so does the reading of the source
// that they are started from: the time is the longest, not the sum.
//
// Ownership:    Borrows the source. Runs its tasks under the Context of the task that made it. Read
//               it to its end or its error, or close() it, before it is destroyed: else the process
//               is stopped, because the jobs would be left to themselves.
// Completion:   Up to `jobs_max` run or have ended unread; then the source waits.
// Cancellation: A stop of a read leaves the jobs alone. A stop of its Context reaches them all.
// Errors:       A job's is yielded in its turn, as the source's is; then it is over, the jobs
//               behind have been stopped and awaited, and the same error is told again.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

template <typename J>
struct YieldedByJob {
    static constexpr bool is_job = false;
    using Yielded = J;
};

template <typename T>
struct YieldedByJob<Task<Result<T>>> {
    static constexpr bool is_job = true;
    using Yielded = T;
};

// A coroutine that makes something of an item, and may fail.
template <typename F, typename Item>
concept Job = std::invocable<F&, Item> && YieldedByJob<std::invoke_result_t<F&, Item>>::is_job;

template <typename S, typename F>
class ConcurrentSource {
    static_assert(AnySource<S>);
    static_assert(Job<F, ItemOf<S>>);

public:
    using Yielded = typename YieldedByJob<std::invoke_result_t<F&, ItemOf<S>>>::Yielded;

    ConcurrentSource(const Context& context, S& from, std::size_t jobs_max, F job)
        : context_(context), from_(from), job_(std::move(job)), slots_(jobs_max) {
        ensure(jobs_max > 0);
    }
    ConcurrentSource(ConcurrentSource&&) = delete;
    ~ConcurrentSource() {
        ensure(!starting_, "ConcurrentSource: destroyed before its end and without close()");
    }

    [[nodiscard]] Task<Result<std::optional<Yielded>>> read() {
        if (!starting_ && !is_over_) {
            starting_.emplace(context_, start_jobs());
            starting_->notify(changed_);
        }
        while (!is_over_) {
            if (first_ != next_ && slot(first_)->is_done()) {
                Result<Yielded> yielded = slot(first_)->take();
                slot(first_++).reset();
                room_.set();
                if (yielded) {
                    co_return std::optional<Yielded>(std::move(*yielded));
                }
                co_await end(yielded.error());
            } else if (first_ == next_ && starting_->is_done()) {
                const Result<void> read_all = starting_->take();
                const Error why = read_all ? Error() : read_all.error();
                co_await end(why);
            } else {
                changed_.reset();
                const bool happened = co_await changed_.wait();
                if (!happened) {
                    co_return failure(Errc::cancelled, Phase::wait);
                }
            }
        }
        if (ended_.code != Errc::none) {
            co_return std::unexpected(ended_);
        }
        co_return std::optional<Yielded>();
    }

    // Stops the jobs, and awaits their ends.
    [[nodiscard]] Task<> close() { return end(Error{Errc::closed, Phase::read}); }

private:
    using Slot = std::optional<Running<Result<Yielded>>>;

    [[nodiscard]] Slot& slot(std::size_t number) noexcept { return slots_[number % slots_.size()]; }

    Task<Result<void>> start_jobs() {
        while (true) {
            while (next_ - first_ == slots_.size()) {
                room_.reset();
                const bool happened = co_await room_.wait();
                if (!happened) {
                    co_return failure(Errc::cancelled, Phase::wait);
                }
            }
            Result<Next<ItemOf<S>>> next = co_await from_.read();
            if (!next) {
                co_return failed(next);
            }
            if (is_end(*next)) {
                co_return Result<void>();
            }
            slot(next_).emplace(context_, job_(item_of(std::move(*next))));
            slot(next_)->notify(changed_);
            ++next_;
        }
    }

    Task<> end(Error how) {
        if (starting_) {
            starting_->request_stop();
            co_await starting_->join();
        }
        for (std::size_t number = first_; number != next_; ++number) {
            slot(number)->request_stop();
        }
        for (; first_ != next_; ++first_) {
            co_await slot(first_)->join();
            slot(first_).reset();
        }
        starting_.reset();
        is_over_ = true;
        ended_ = how;
    }

    Context context_;
    S& from_;
    F job_;
    std::vector<Slot> slots_;
    std::size_t first_ = 0;  // The oldest job that was not yielded.
    std::size_t next_ = 0;
    Event changed_;  // A job has ended, or there will be no more.
    Event room_;     // A job was yielded.
    std::optional<Running<Result<void>>> starting_;
    bool is_over_ = false;
    Error ended_;  // Errc::none: the proven end.
};

}  // namespace sluice
