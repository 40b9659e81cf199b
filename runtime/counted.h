// CountedSink, CountedSource, CountedItemsSource: octets or items on their way, counted.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

// Counts what the decorated sink took, of a failed write too.
class CountedSink final : public ByteSink {
public:
    explicit CountedSink(ByteSink& next) noexcept : next_(next) {}

    Task<Result<void>> write(std::span<const std::byte> octets) override {
        const Result<void> written = co_await next_.write(octets);
        octets_ += written ? octets.size() : written.error().octets_done;
        co_return written;
    }

    Task<Result<void>> finish() override { return next_.finish(); }
    void abort() noexcept override { next_.abort(); }

    [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }

private:
    ByteSink& next_;
    std::uint64_t octets_ = 0;
};

// Counts what the decorated source yielded.
class CountedSource final : public ByteSource {
public:
    explicit CountedSource(ByteSource& from) noexcept : from_(from) {}

    Task<Result<std::span<const std::byte>>> read() override {
        const Result<std::span<const std::byte>> octets = co_await from_.read();
        octets_ += octets ? octets->size() : 0;
        co_return octets;
    }

    [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }

private:
    ByteSource& from_;
    std::uint64_t octets_ = 0;
};

template <AnySource S>
class CountedItemsSource {
public:
    explicit CountedItemsSource(S& from) noexcept : from_(from) {}

    [[nodiscard]] Task<Result<Next<ItemOf<S>>>> read() {
        Result<Next<ItemOf<S>>> next = co_await from_.read();
        items_ += next && !is_end(*next) ? 1 : 0;
        co_return next;
    }

    [[nodiscard]] Task<> close()
        requires ClosableSource<S>
    {
        return from_.close();
    }

    [[nodiscard]] std::uint64_t items() const noexcept { return items_; }

private:
    S& from_;
    std::uint64_t items_ = 0;
};

}  // namespace sluice
