// TakeSource: the first octets of another source, at most so many.
//
// Completion:   Ends after `octets`, or where the source ends before. The source is not read beyond
//               what the last of them needs; what came in the same read and is beyond, is dropped.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
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

}  // namespace sluice
