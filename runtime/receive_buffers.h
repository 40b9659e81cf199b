// ReceiveBuffers: the buffers of one ring, from which the kernel takes one whenever octets arrive.
//
// A buffer is in exactly one place: with the kernel, or with one Received. Buffers that came back
// are shown to the kernel once a turn, all together.
//
// Ownership:    Owns the memory, of which all but each buffer's first page is touched only as it is
//               used. All buffers must be back before it is destroyed.
// Source:       io_uring_setup_buf_ring(3).

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/received.h"

#include <liburing.h>

#include <cstddef>
#include <cstdint>

namespace sluice {

class ReceiveBuffers final : public BufferPool {
public:
    static constexpr int group = 1;

    ReceiveBuffers() noexcept = default;
    ReceiveBuffers(ReceiveBuffers&&) = delete;
    ~ReceiveBuffers();

    // `count` is a power of two.
    Result<void> set_up(io_uring& ring, unsigned count, unsigned octets) noexcept;

    // The buffer that a completion names, with the first `octets` of it filled.
    [[nodiscard]] Received take(std::uint16_t buffer_id, std::size_t octets) noexcept;

    void give_back(std::uint16_t buffer_id) noexcept override;

    // Shows the kernel what came back.
    void publish() noexcept;

    // Buffers that the kernel has, once published.
    [[nodiscard]] unsigned available() const noexcept { return count_ - lent_; }

private:
    [[nodiscard]] std::byte* at(std::uint16_t buffer_id) const noexcept {
        return buffers_ + std::size_t{buffer_id} * octets_;
    }

    io_uring_buf_ring* ring_ = nullptr;
    std::byte* buffers_ = nullptr;
    unsigned count_ = 0;
    unsigned octets_ = 0;
    unsigned lent_ = 0;
    unsigned unpublished_ = 0;
};

}  // namespace sluice
