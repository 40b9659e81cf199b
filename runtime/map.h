// MapSource: what a function makes of each item of another source.
//
//     MapSource squares(numbers, [](int number) { return number * number; });
//
// Ownership:    Borrows the source. What the function yields may borrow from the item's lender: it
//               is lent until the next call, as the item was.
// Errors:       Those of the source.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice {

template <AnySource S, std::invocable<ItemOf<S>> F>
class MapSource {
public:
    using Item = std::invoke_result_t<F&, ItemOf<S>>;

    MapSource(S& from, F function) : from_(from), function_(std::move(function)) {}

    [[nodiscard]] Task<Result<Next<Item>>> read() {
        Result<Next<ItemOf<S>>> next = co_await from_.read();
        if (!next) {
            co_return failed(next);
        }
        if (is_end(*next)) {
            co_return Next<Item>();
        }
        co_return Next<Item>(std::invoke(function_, item_of(std::move(*next))));
    }

    [[nodiscard]] Task<> close()
        requires ClosableSource<S>
    {
        return from_.close();
    }

    [[nodiscard]] bool is_idle() const
        requires TellsIdle<S>
    {
        return from_.is_idle();
    }

private:
    S& from_;
    F function_;
};

}  // namespace sluice
