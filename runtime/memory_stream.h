// MemorySource, MemorySink, NullSink: streams whose other end is this process.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace sluice {

// Lends octets that stay where they are, `chunk_octets` at a time.
class MemorySource final : public ByteSource {
public:
    explicit MemorySource(
        std::span<const std::byte> octets,
        std::size_t chunk_octets = std::numeric_limits<std::size_t>::max()) noexcept
        : left_(octets), chunk_octets_(chunk_octets) {}
    explicit MemorySource(
        std::string_view text,
        std::size_t chunk_octets = std::numeric_limits<std::size_t>::max()) noexcept
        : MemorySource(std::as_bytes(std::span(text)), chunk_octets) {}

    Task<Result<std::span<const std::byte>>> read() override;

private:
    std::span<const std::byte> left_;
    std::size_t chunk_octets_;
};

// Keeps up to `octets_max`; what is beyond fails with `limit_exceeded`.
class MemorySink final : public ByteSink {
public:
    explicit MemorySink(std::size_t octets_max) noexcept : octets_max_(octets_max) {}

    Task<Result<void>> write(std::span<const std::byte> octets) override;
    Task<Result<void>> finish() override;
    void abort() noexcept override;

    [[nodiscard]] std::span<const std::byte> octets() const noexcept { return octets_; }
    [[nodiscard]] std::string_view text() const noexcept;
    [[nodiscard]] bool is_finished() const noexcept { return state_ == State::finished; }
    [[nodiscard]] bool is_aborted() const noexcept { return state_ == State::aborted; }

private:
    enum class State : std::uint8_t { open, finished, aborted };

    std::size_t octets_max_;
    std::vector<std::byte> octets_;
    State state_ = State::open;
};

// Takes everything and keeps nothing.
class NullSink final : public ByteSink {
public:
    Task<Result<void>> write(std::span<const std::byte> octets) override;
    Task<Result<void>> finish() override;
    void abort() noexcept override {}

    [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }

private:
    std::uint64_t octets_ = 0;
};

}  // namespace sluice
