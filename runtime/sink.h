// Sink, Source: where items of a type are written to, and where they are read from.
//
// The words of byte_stream.h for items of any type: write() and finish(), with abort() as the only
// other way out; read() until its proven end. Concepts and not classes, so that a chain of known
// types has no virtual call in it. ByteSink and ByteSource are the byte case.
//
// Completion:   write() takes the item or fails. read() yields no item at the proven end: an empty
//               optional, or, for octets, an empty span.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace sluice {

using Octets = std::span<const std::byte>;

// What one read() of items yields.
template <typename Item>
using Next = std::conditional_t<std::same_as<Item, Octets>, Octets, std::optional<Item>>;

template <typename S, typename Item>
concept Sink = requires(S& sink, Item item) {
    { sink.write(std::move(item)) } -> std::same_as<Task<Result<void>>>;
    { sink.finish() } -> std::same_as<Task<Result<void>>>;
    { sink.abort() } noexcept;
};

template <typename S, typename Item>
concept Source = requires(S& source) {
    { source.read() } -> std::same_as<Task<Result<Next<Item>>>>;
};

static_assert(Sink<ByteSink, Octets>);
static_assert(Source<ByteSource, Octets>);

}  // namespace sluice
