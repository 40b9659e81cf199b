// OctetQueue: octets in the order in which they came, as one contiguous piece.

#pragma once

#include "sluice/runtime/ensure.h"

#include <cstddef>
#include <span>
#include <vector>

namespace sluice::simulation {

class OctetQueue {
public:
    [[nodiscard]] std::size_t size() const noexcept { return octets_.size() - head_; }
    [[nodiscard]] std::span<const std::byte> all() const noexcept {
        return std::span(octets_).subspan(head_);
    }

    void push(std::span<const std::byte> octets) {
        octets_.insert(octets_.end(), octets.begin(), octets.end());
    }

    // Drops from the front. What was dropped is moved over once it is half of what is kept.
    void pop(std::size_t count) noexcept {
        ensure(count <= size());
        head_ += count;
        if (head_ * 2 > octets_.size()) {
            octets_.erase(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
    }

    // Drops from the back, so that `count` are left.
    void keep(std::size_t count) noexcept {
        ensure(count <= size());
        octets_.resize(head_ + count);
    }

private:
    std::vector<std::byte> octets_;
    std::size_t head_ = 0;
};

}  // namespace sluice::simulation
