// RateLimitedSource: another source, slowed down to so many octets a second.
//
// What the source lends is passed on in slices of a tenth of a second, so that a low rate is a
// steady one. Time that the reader took is not made up for by a burst.
//
// Cancellation: A stop ends the wait with `cancelled`.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

class RateLimitedSource final : public ByteSource {
public:
    // `octets_per_second` is at least 1.
    RateLimitedSource(ByteSource& from, std::uint64_t octets_per_second) noexcept;

    Task<Result<std::span<const std::byte>>> read() override;

private:
    ByteSource& from_;
    std::uint64_t octets_per_second_;
    std::span<const std::byte> lent_;  // By the source, and not passed on yet.
    Instant due_ = Instant::min();     // When the next slice may go.
};

}  // namespace sluice
