// ReceivePool: the buffers that simulated receives lend.
//
// A buffer that came back is overwritten, so that whoever still reads it reads nonsense.
//
// Ownership:    All buffers must be back before it is destroyed.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/received.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::simulation {

class ReceivePool final : public BufferPool {
public:
    ReceivePool(std::size_t buffers, std::size_t buffer_octets)
        : buffer_octets_(buffer_octets), memory_(buffers * buffer_octets) {
        for (std::size_t id = 0; id < buffers; ++id) {
            free_.push_back(static_cast<std::uint16_t>(id));
        }
    }
    ReceivePool(ReceivePool&&) = delete;
    ~ReceivePool() { ensure(lent() == 0); }

    [[nodiscard]] bool empty() const noexcept { return free_.empty(); }
    [[nodiscard]] std::size_t buffer_octets() const noexcept { return buffer_octets_; }
    [[nodiscard]] std::size_t lent() const noexcept {
        return memory_.size() / buffer_octets_ - free_.size();
    }

    // A buffer, narrowed to its first `octets`.
    [[nodiscard]] Received take(std::size_t octets) noexcept {
        ensure(!empty());
        ensure(octets <= buffer_octets_);
        const std::uint16_t id = free_.back();
        free_.pop_back();
        return Received(*this, id, buffer(id).first(octets));
    }

    void give_back(std::uint16_t buffer_id) noexcept override {
        ensure(std::ranges::find(free_, buffer_id) == free_.end());
        std::ranges::fill(buffer(buffer_id), std::byte{0xdd});
        free_.push_back(buffer_id);
    }

private:
    [[nodiscard]] std::span<std::byte> buffer(std::uint16_t id) noexcept {
        return std::span(memory_).subspan(id * buffer_octets_, buffer_octets_);
    }

    std::size_t buffer_octets_;
    std::vector<std::byte> memory_;
    std::vector<std::uint16_t> free_;
};

}  // namespace sluice::simulation
