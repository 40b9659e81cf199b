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

template <typename F, typename T>
struct MappedItem {
    using Item = T;
};

template <typename F, typename T>
    requires std::invocable<F&, T>
struct MappedItem<F, T> {
    using Item = std::invoke_result_t<F&, T>;
};

template <typename S, typename F>
class MapSource {
    static_assert(AnySource<S>);
    static_assert(std::invocable<F&, ItemOf<S>>);

public:
    using Item = typename MappedItem<F, ItemOf<S>>::Item;

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
