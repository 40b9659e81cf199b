// Sink, Source: where items of a type are written to, and where they are read from.
//
// The words of byte_stream.h for items of any type: write() and finish(), with abort() as the only
// other way out; read() until its proven end. A write is one step: there is nothing to be ready
// for first. Concepts and not classes, so that a chain of known types has no virtual call in it.
// ByteSink and ByteSource are the byte case, channel.h and generator.h have the others.
//
// Ownership:    An item is moved into write(), and comes back if it was not taken. An item that
//               borrows, as octets do, is lent until the next call on its source.
// Completion:   write() takes the item or fails. read() yields no item at the proven end: an empty
//               optional, or, for octets, an empty span. Who stops reading before the end says so
//               by close(), where the source has one.
// Cancellation: A stop ends a waiting write or read with `cancelled`. What was handed over at the
//               same moment is not lost: then it is yielded, or taken, all the same.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace sluice {

using Octets = std::span<const std::byte>;

// What one read() of items yields.
template <typename Item>
using Next = std::conditional_t<std::same_as<Item, Octets>, Octets, std::optional<Item>>;

// Of what a read() yielded: whether it is the end, and else the item.
template <typename Item>
[[nodiscard]] bool is_end(const std::optional<Item>& next) noexcept {
    return !next.has_value();
}

[[nodiscard]] inline bool is_end(const Octets& next) noexcept {
    return next.empty();
}

template <typename Item>
[[nodiscard]] const Item& item_of(const std::optional<Item>& next) noexcept {
    return *next;
}

template <typename Item>
[[nodiscard]] Item&& item_of(std::optional<Item>&& next) noexcept {
    return *std::move(next);
}

[[nodiscard]] inline Octets item_of(const Octets& next) noexcept {
    return next;
}

// An item that was not taken, and why.
template <typename Item>
struct Unsent {
    Error error;
    Item item;
};

// What one write() of an item yields. Octets were never given away: Error::octets_done tells.
template <typename Item>
using Sent =
    std::conditional_t<std::same_as<Item, Octets>, Result<void>, std::expected<void, Unsent<Item>>>;

// Gives an item back: `co_return unsent(error, std::move(item));`
template <typename Item>
[[nodiscard]] std::unexpected<Unsent<Item>> unsent(const Error& error, Item item) {
    return std::unexpected<Unsent<Item>>(std::in_place, error, std::move(item));
}

// Why a write failed.
template <typename Item>
[[nodiscard]] const Error& error_of(const std::expected<void, Unsent<Item>>& sent) noexcept {
    return sent.error().error;
}

[[nodiscard]] inline const Error& error_of(const Result<void>& sent) noexcept {
    return sent.error();
}

template <typename S, typename Item>
concept Sink = requires(S& sink, Item item) {
    { sink.write(std::move(item)) } -> std::same_as<Task<Sent<Item>>>;
    { sink.finish() } -> std::same_as<Task<Result<void>>>;
    { sink.abort() } noexcept;
};

template <typename S, typename Item>
concept Source = requires(S& source) {
    { source.read() } -> std::same_as<Task<Result<Next<Item>>>>;
};

template <typename Read>
struct ItemOfRead;

template <typename T>
struct ItemOfRead<Task<Result<std::optional<T>>>> {
    using Item = T;
};

template <>
struct ItemOfRead<Task<Result<Octets>>> {
    using Item = Octets;
};

// What a source is a source of.
template <typename S>
using ItemOf = typename ItemOfRead<decltype(std::declval<S&>().read())>::Item;

// A source of whatever its read() says.
template <typename S>
concept AnySource = requires { typename ItemOf<S>; } && Source<S, ItemOf<S>>;

// A source that is told when no more of it is wanted.
template <typename S>
concept ClosableSource = AnySource<S> && requires(S& source) {
    { source.close() } -> std::same_as<Task<>>;
};

// A source that knows whether its next read() would wait.
template <typename S>
concept TellsIdle = AnySource<S> && requires(const S& source) {
    { source.is_idle() } -> std::same_as<bool>;
};

// A sink that holds things back until it is flushed or finished.
template <typename S>
concept FlushableSink = requires(S& sink) {
    { sink.flush() } -> std::same_as<Task<Result<void>>>;
};

static_assert(Sink<ByteSink, Octets>);
static_assert(Source<ByteSource, Octets>);
static_assert(std::same_as<ItemOf<ByteSource>, Octets>);

}  // namespace sluice
