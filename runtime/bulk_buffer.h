// BulkBuffer: memory that a stream moves its octets through, kept by its thread for the next one.
//
// Streams come and go with their exchanges. A heap that is asked for a quarter of a MiB each time
// gives it back to the system each time, and to fault in its pages again costs more than to copy a
// file through them; so what is freed here waits, warm, for whoever is next.
//
// Ownership:    The buffer's, until it is destroyed. Its octets are uninitialised. A thread keeps
//               8 MiB at most, and frees them when it ends.
// Errors:       Memory that cannot be had stops the process, as everywhere.
// Threading:    Any thread; the one that destroys a buffer keeps its memory.

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace sluice {

class BulkBuffer {
public:
    BulkBuffer() noexcept = default;
    explicit BulkBuffer(std::size_t octets);
    BulkBuffer(BulkBuffer&& other) noexcept
        : memory_(std::move(other.memory_)), octets_(std::exchange(other.octets_, 0)) {}
    BulkBuffer& operator=(BulkBuffer&& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(octets_, other.octets_);
        return *this;
    }
    ~BulkBuffer();

    // As many as were asked for; none of one that was moved from.
    [[nodiscard]] std::span<std::byte> octets() const noexcept { return {memory_.get(), octets_}; }

private:
    std::unique_ptr<std::byte[]> memory_;
    std::size_t octets_ = 0;
};

}  // namespace sluice
