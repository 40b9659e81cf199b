// TakeSource, TakeItemsSource: the first octets, or items, of another source, at most so many.
//
// Completion:   Ends after so many, or where the source ends before. The source is not read beyond
//               what the last of them needs; what came in the same read and is beyond, is dropped.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

class TakeSource final : public ByteSource {
public:
    TakeSource(ByteSource& from, std::uint64_t octets) noexcept : from_(from), left_(octets) {}

    Task<Result<std::span<const std::byte>>> read() override {
        if (left_ == 0) {
            co_return std::span<const std::byte>();
        }
        const Result<std::span<const std::byte>> octets = co_await from_.read();
        if (!octets) {
            co_return octets;
        }
        const std::uint64_t taken = std::min<std::uint64_t>(left_, octets->size());
        left_ -= taken;
        co_return octets->first(static_cast<std::size_t>(taken));
    }

private:
    ByteSource& from_;
    std::uint64_t left_;
};

template <AnySource S>
class TakeItemsSource {
public:
    TakeItemsSource(S& from, std::uint64_t items) noexcept : from_(from), left_(items) {}

    [[nodiscard]] Task<Result<Next<ItemOf<S>>>> read() {
        if (left_ == 0) {
            co_return Next<ItemOf<S>>();
        }
        --left_;
        Result<Next<ItemOf<S>>> next = co_await from_.read();
        co_return next;
    }

    [[nodiscard]] Task<> close()
        requires ClosableSource<S>
    {
        return from_.close();
    }

private:
    S& from_;
    std::uint64_t left_;
};

}  // namespace sluice
