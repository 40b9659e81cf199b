// forward: everything that a source yields, into a sink, which it finishes at the proven end.
//
// What was lent by the source is handed to the sink as it is: nothing is copied, and nothing is
// read before the sink has taken what came before. For items as for octets: a sink that holds back,
// as one that makes batches does, is flushed whenever the source has nothing more to give at once.
//
// Completion:   Yields how many octets crossed. The sink is then finished.
// Cancellation: A stop ends it as a failure of the source would: the sink is aborted, after a write
//               of nothing under the stop, by which it can tell the two apart.
// Errors:       octets_done is how many octets crossed. When the source fails, the sink is aborted.
//               When the sink fails, it is left as it is: it may have more to tell than its error,
//               as the body of a request does whose response came early.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluice {

enum class Side : std::uint8_t { none, source, sink };

// How far a forward() is, at any moment, and which side ended it early.
struct Passage {
    std::uint64_t octets = 0;
    Side failed = Side::none;
};

[[nodiscard]] Task<Result<std::uint64_t>> forward(ByteSource& source, ByteSink& sink);

[[nodiscard]] Task<Result<std::uint64_t>> forward(ByteSource& source, ByteSink& sink,
                                                  Passage& passage);

// The same for items, which are counted.
template <typename Item>
struct ItemPassage {
    std::uint64_t items = 0;
    Side failed = Side::none;
    std::optional<Item> unsent;  // What the sink did not take.
};

// Not the streams of octets above.
template <typename S, typename K>
concept StreamsOfItems = !(std::derived_from<S, ByteSource> && std::derived_from<K, ByteSink>);

// Everything but the end of the source. What the sink holds back is flushed when the source is
// idle.
template <typename S, typename K>
[[nodiscard]] Task<Result<void>> pump(S& source, K& sink, ItemPassage<ItemOf<S>>& passage) {
    const Context context = co_await this_task();
    bool may_hold_back = false;
    while (true) {
        if constexpr (TellsIdle<S> && FlushableSink<K>) {
            if (may_hold_back && source.is_idle()) {
                may_hold_back = false;
                const Result<void> flushed = co_await sink.flush();
                if (!flushed) {
                    passage.failed = Side::sink;
                    co_return flushed;
                }
            }
        }
        if (context.stop != nullptr && context.stop->requested()) {
            passage.failed = Side::source;
            co_return failure(Errc::cancelled, Phase::read);
        }
        Result<Next<ItemOf<S>>> next = co_await source.read();
        if (!next) {
            passage.failed = Side::source;
            co_return failed(next);
        }
        if (is_end(*next)) {
            co_return Result<void>();
        }
        Sent<ItemOf<S>> sent = co_await sink.write(item_of(std::move(*next)));
        if (!sent) {
            passage.failed = Side::sink;
            if constexpr (requires { sent.error().item; }) {
                passage.unsent.emplace(std::move(sent.error().item));
            }
            co_return std::unexpected(error_of(sent));
        }
        ++passage.items;
        may_hold_back = true;
    }
}

// As above; octets_done of an error is how many items crossed.
template <typename S, typename K>
    requires StreamsOfItems<S, K>
[[nodiscard]] Task<Result<std::uint64_t>> forward(S& source, K& sink,
                                                  ItemPassage<ItemOf<S>>& passage) {
    Result<void> result = co_await pump(source, sink, passage);
    if (result) {
        result = co_await sink.finish();
        passage.failed = result ? Side::none : Side::sink;
    } else if (passage.failed == Side::source) {
        sink.abort();
    }
    if (!result) {
        Error error = result.error();
        error.octets_done = passage.items;
        co_return std::unexpected(error);
    }
    co_return passage.items;
}

template <typename S, typename K>
    requires AnySource<S> && StreamsOfItems<S, K>
[[nodiscard]] Task<Result<std::uint64_t>> forward(S& source, K& sink) {
    static_assert(Sink<K, ItemOf<S>>);
    ItemPassage<ItemOf<S>> passage;
    const Result<std::uint64_t> items = co_await forward(source, sink, passage);
    co_return items;
}

// So that a compiler tells what is missing, and not what else is called forward.
template <typename S, typename K>
    requires(!AnySource<S> && !std::derived_from<K, ByteSink>)
[[nodiscard]] Task<Result<std::uint64_t>> forward(S&, K&) {
    static_assert(AnySource<S>);
    co_return 0U;
}

}  // namespace sluice
