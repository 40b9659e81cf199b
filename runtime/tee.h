// TeeSink, TeeItemsSink: a sink that is two: both get everything, and the slower sets the pace.
//
// Completion:   write() ends when both have taken the octets. finish() commits the first, then the
//               second: two commits are not one, so the one that may fail goes first.
// Errors:       Of a write, octets_done is what both took. When one fails, the other is asked to
//               stop; both are then good for abort() only.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>

namespace sluice {

class TeeSink final : public ByteSink {
public:
    TeeSink(ByteSink& first, ByteSink& second) noexcept : first_(first), second_(second) {}

    Task<Result<void>> write(std::span<const std::byte> octets) override;
    Task<Result<void>> finish() override;
    void abort() noexcept override;

private:
    ByteSink& first_;
    ByteSink& second_;
};

template <std::copyable T, Sink<T> First, Sink<T> Second>
class TeeItemsSink {
public:
    TeeItemsSink(First& first, Second& second) noexcept : first_(first), second_(second) {}

    [[nodiscard]] Task<Sent<T>> write(T item) {
        Task<std::tuple<Sent<T>, Sent<T>>> writing =
            when_all(first_.write(item), second_.write(item));
        std::tuple<Sent<T>, Sent<T>> both = co_await writing;
        auto& [first, second] = both;
        // The one that was only asked to stop did not cause this.
        if (!first && (second || error_of(first).code != Errc::cancelled)) {
            co_return std::move(first);
        }
        co_return std::move(second);
    }

    [[nodiscard]] Task<Result<void>> finish() {
        Result<void> finished = co_await first_.finish();
        if (finished) {
            finished = co_await second_.finish();
        } else {
            second_.abort();
        }
        co_return finished;
    }

    void abort() noexcept {
        first_.abort();
        second_.abort();
    }

private:
    First& first_;
    Second& second_;
};

}  // namespace sluice
