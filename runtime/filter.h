// FilterSource: those items of another source that a predicate lets through.
//
//     FilterSource even(numbers, [](int number) { return number % 2 == 0; });
//
// Ownership:    Borrows the source.
// Errors:       Those of the source.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <functional>
#include <utility>

namespace sluice {

template <typename S, typename P>
class FilterSource {
    static_assert(AnySource<S>);
    static_assert(std::predicate<P&, const ItemOf<S>&>);

public:
    FilterSource(S& from, P predicate) : from_(from), predicate_(std::move(predicate)) {}

    [[nodiscard]] Task<Result<Next<ItemOf<S>>>> read() {
        while (true) {
            Result<Next<ItemOf<S>>> next = co_await from_.read();
            if (!next || is_end(*next) || std::invoke(predicate_, item_of(*next))) {
                co_return next;
            }
        }
    }

    [[nodiscard]] Task<> close()
        requires ClosableSource<S>
    {
        return from_.close();
    }

private:
    S& from_;
    P predicate_;
};

}  // namespace sluice
