// ChunkSource: the items of another source in batches of up to so many.
//
// A batch is not waited for: where the source can tell that nothing more is there, what has come is
// yielded. So batches are large under load, and nobody waits when there is none.
//
// Ownership:    Borrows the source. A batch is lent until the next call; its items may be moved
//               from.
// Completion:   A batch has at least one item. None is the end.
// Errors:       Those of the source, after the batch that came before.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sluice {

template <AnySource S>
class ChunkSource {
public:
    using Batch = std::span<ItemOf<S>>;

    ChunkSource(S& from, std::size_t items_max) : from_(from), items_max_(items_max) {
        ensure(items_max > 0);
        items_.reserve(items_max);
    }

    [[nodiscard]] Task<Result<std::optional<Batch>>> read() {
        items_.clear();
        while (!failed_ && !is_over_ && items_.size() < items_max_ && !may_yield()) {
            Result<Next<ItemOf<S>>> next = co_await from_.read();
            if (!next) {
                failed_ = next.error();
            } else if (is_end(*next)) {
                is_over_ = true;
            } else {
                items_.push_back(item_of(std::move(*next)));
            }
        }
        std::optional<Batch> batch;
        if (!items_.empty()) {
            batch.emplace(items_);
        } else if (failed_) {
            co_return std::unexpected(*failed_);
        }
        co_return batch;
    }

    [[nodiscard]] Task<> close()
        requires ClosableSource<S>
    {
        return from_.close();
    }

private:
    [[nodiscard]] bool may_yield() const {
        if constexpr (TellsIdle<S>) {
            return !items_.empty() && from_.is_idle();
        } else {
            return false;
        }
    }

    S& from_;
    std::size_t items_max_;
    std::vector<ItemOf<S>> items_;
    std::optional<Error> failed_;
    bool is_over_ = false;
};

}  // namespace sluice
