// BufferStock: the memory of a pool of equal buffers, and those of them that nobody holds.
//
// The last that came back is the first to go, since it may still be in the processor's caches. The
// memory is the system's until a buffer is touched.
//
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

class BufferStock {
public:
    BufferStock() noexcept = default;
    BufferStock(BufferStock&&) = delete;
    ~BufferStock();

    // At most 65,536 buffers. Errors: ENOMEM.
    Result<void> set_up(unsigned count, unsigned octets);

    [[nodiscard]] bool empty() const noexcept { return stock_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return stock_.size(); }

    // Of a stock that is not empty.
    [[nodiscard]] std::uint16_t take() noexcept {
        ensure(!stock_.empty());
        const std::uint16_t id = stock_.back();
        stock_.pop_back();
        return id;
    }
    void put(std::uint16_t id) noexcept {
        ensure(stock_.size() < count_);
        stock_.push_back(id);
    }

    [[nodiscard]] std::span<std::byte> at(std::uint16_t id) const noexcept {
        ensure(id < count_);
        return {buffers_ + std::size_t{id} * octets_, octets_};
    }

    [[nodiscard]] unsigned count() const noexcept { return count_; }
    [[nodiscard]] unsigned buffer_octets() const noexcept { return octets_; }

private:
    std::byte* buffers_ = nullptr;
    unsigned count_ = 0;
    unsigned octets_ = 0;
    std::vector<std::uint16_t> stock_;
};

}  // namespace sluice
