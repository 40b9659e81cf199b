// TeeSink: a sink that is two: both get everything, and the slower one sets the pace.
//
// Completion:   write() ends when both have taken the octets. finish() commits the first, then the
//               second: two commits are not one, so the one that may fail goes first.
// Errors:       Of a write, octets_done is what both took. When one fails, the other is asked to
//               stop; both are then good for abort() only.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <span>

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

}  // namespace sluice
