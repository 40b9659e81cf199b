// ReceivePool: the buffers that simulated receives lend.
//
// A buffer that came back is overwritten, so that whoever still reads it reads nonsense. Each is
// made when it is first lent: most worlds are small, and there are many of them.
//
// Ownership:    All buffers must be back before it is destroyed.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/received.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace sluice::simulation {

class ReceivePool final : public BufferPool {
public:
    ReceivePool(std::size_t buffers, std::size_t buffer_octets)
        : buffer_octets_(buffer_octets), buffers_(buffers) {
        for (std::size_t id = buffers; id-- > 0;) {
            free_.push_back(static_cast<std::uint16_t>(id));
        }
    }
    ReceivePool(ReceivePool&&) = delete;
    ~ReceivePool() { ensure(lent() == 0); }

    [[nodiscard]] bool empty() const noexcept { return free_.empty(); }
    [[nodiscard]] std::size_t buffer_octets() const noexcept { return buffer_octets_; }
    [[nodiscard]] std::size_t lent() const noexcept { return buffers_.size() - free_.size(); }

    // A buffer, narrowed to its first `octets`.
    [[nodiscard]] Received take(std::size_t octets) noexcept {
        ensure(!empty());
        ensure(octets <= buffer_octets_);
        const std::uint16_t id = free_.back();
        free_.pop_back();
        buffers_[id].resize(buffer_octets_);
        return Received(*this, id, std::span(buffers_[id]).first(octets));
    }

    void give_back(std::uint16_t buffer_id) noexcept override {
        ensure(std::ranges::find(free_, buffer_id) == free_.end());
        std::memset(buffers_[buffer_id].data(), 0xdd, buffer_octets_);
        free_.push_back(buffer_id);
    }

private:
    std::size_t buffer_octets_;
    std::vector<std::vector<std::byte>> buffers_;
    std::vector<std::uint16_t> free_;
};

}  // namespace sluice::simulation
