// Ring<T>: items in the order they came, in memory that is kept and used again.
//
// It grows when it must, by doubling, and never shrinks: a channel that has warmed up allocates
// nothing. Small ones live in recycled frames, so a channel for one answer costs no allocation.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/frame_pool.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace sluice {

template <typename T>
class Ring {
    static_assert(std::is_nothrow_move_constructible_v<T>, "items are moved while a lock is held");
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

public:
    Ring() noexcept = default;
    Ring(Ring&& other) noexcept
        : slots_(std::exchange(other.slots_, nullptr)),
          capacity_(std::exchange(other.capacity_, 0)),
          first_(std::exchange(other.first_, 0)),
          count_(std::exchange(other.count_, 0)) {}
    Ring& operator=(Ring&&) = delete;
    ~Ring() {
        while (!empty()) {
            drop_front();
        }
        free(slots_, capacity_);
    }

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] T& front() noexcept { return slots_[first_]; }

    // The oldest is number 0.
    [[nodiscard]] T& operator[](std::size_t number) noexcept {
        return slots_[(first_ + number) & (capacity_ - 1)];
    }

    void push(T&& item) {
        if (count_ == capacity_) {
            grow();
        }
        std::construct_at(&(*this)[count_], std::move(item));
        ++count_;
    }

    void drop_front() noexcept {
        ensure(!empty());
        std::destroy_at(&front());
        first_ = (first_ + 1) & (capacity_ - 1);
        --count_;
    }

private:
    void grow() {
        const std::size_t larger = std::max<std::size_t>(1, 2 * capacity_);
        T* const slots = static_cast<T*>(frame_pool.allocate(octets_of(larger)));
        for (std::size_t number = 0; number < count_; ++number) {
            std::construct_at(slots + number, std::move((*this)[number]));
            std::destroy_at(&(*this)[number]);
        }
        free(slots_, capacity_);
        slots_ = slots;
        capacity_ = larger;
        first_ = 0;
    }

    // No less than the pool writes into a block before it hands it out.
    static constexpr std::size_t octets_of(std::size_t slots) noexcept {
        return std::max<std::size_t>(32, slots * sizeof(T));
    }

    static void free(T* slots, std::size_t capacity) noexcept {
        if (slots != nullptr) {
            frame_pool.free(slots, octets_of(capacity));
        }
    }

    T* slots_ = nullptr;
    std::size_t capacity_ = 0;  // A power of two, or 0.
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

}  // namespace sluice
