// ReceiveBuffers: the buffers of one ring, from which the kernel takes one whenever octets arrive.
//
// A buffer is in exactly one place: with the kernel, in stock, or with one Received. The kernel
// uses buffers one after another, and would go through all there are, each gone from the
// processor's caches by its next turn. So it is shown few, those that came back last, once a turn:
// that saves a large upload a tenth of its time. Where a turn's receives are many and small, it is
// shown more.
//
// Ownership:    Owns the memory, of which a buffer is touched only once it is used. All buffers
//               must be back before it is destroyed.
// Source:       io_uring_setup_buf_ring(3).

#pragma once

#include "sluice/runtime/buffer_stock.h"
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

    // Tops up what the kernel has.
    void publish() noexcept;

    // A receive found no buffer.
    void ran_out() noexcept { ran_out_ = true; }

    // Buffers that the kernel has.
    [[nodiscard]] unsigned available() const noexcept { return shown_; }

private:
    void adapt() noexcept;

    static constexpr unsigned shown_min = 16;

    io_uring_buf_ring* ring_ = nullptr;
    BufferStock stock_;
    unsigned shown_ = 0;
    unsigned shown_wanted_ = shown_min;

    // Since the last publish().
    unsigned taken_ = 0;
    std::size_t octets_taken_ = 0;
    bool ran_out_ = false;

    unsigned taken_peak_ = 0;  // In one turn,
    unsigned turns_ = 0;       // of these.
};

}  // namespace sluice
