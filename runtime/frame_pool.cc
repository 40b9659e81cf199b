#include "sluice/runtime/frame_pool.h"

#include <mutex>

namespace sluice {

// What threads that ended have left.
struct FramePool::Depot {
    std::mutex mutex;  // Of every pool's list of frames that are alone, too.
    FramePool left;

    static Depot& of_process() {
        static Depot& depot = *new Depot();  // Threads may end after static objects have.
        return depot;
    }
};

struct FramePool::LeavesAtThreadEnd {
    ~LeavesAtThreadEnd() {
        Depot& depot = Depot::of_process();
        const std::lock_guard lock(depot.mutex);
        depot.left.take_all_of(frame_pool);
    }
};

constinit thread_local FramePool frame_pool;

void* FramePool::allocate_slowly(std::size_t octets) {
    static thread_local const LeavesAtThreadEnd leaves_at_thread_end;
    static_cast<void>(leaves_at_thread_end);
    const std::size_t index = (octets - 1) / class_octets;
    if (!frames_are_pooled || index >= classes) {
        return allocate_alone(octets);
    }
    if (carving_[index] == nullptr) {
        Depot& depot = Depot::of_process();
        const std::lock_guard lock(depot.mutex);
        take_all_of(depot.left);
        if (free_[index] != nullptr) {
            return std::exchange(free_[index], free_[index]->next);
        }
    }
    Slab*& slab = carving_[index];
    if (slab == nullptr || slab->is_carved_up()) {
        void* const memory = ::operator new(slab_octets, std::align_val_t{alignof(Slab)});
        const auto block_octets = static_cast<std::uint32_t>((index + 1) * class_octets);
        slabs_ = slab = ::new (memory) Slab{slabs_, block_octets, 0};
    }
    std::byte* const block = slab->first() + std::size_t{slab->carved} * slab->block_octets;
    ++slab->carved;
    return ::new (block) FreeFrame{nullptr, {}, nullptr};
}

void* FramePool::allocate_alone(std::size_t octets) {
    auto* const alone = ::new (::operator new(sizeof(Alone) + octets)) Alone();
    alone->octets = octets;
    ::new (alone->block()) FreeFrame{nullptr, {}, nullptr};
    const std::lock_guard lock(Depot::of_process().mutex);
    add(*alone);
    return alone->block();
}

void FramePool::free_alone(void* frame) noexcept {
    auto* const alone = reinterpret_cast<Alone*>(static_cast<std::byte*>(frame) - sizeof(Alone));
    {
        const std::lock_guard lock(Depot::of_process().mutex);
        alone->pool->remove(*alone);
    }
    ::operator delete(alone);
}

// Under the depot's lock. Of two slabs that are not carved up, one stays as it is.
void FramePool::take_all_of(FramePool& other) noexcept {
    for (std::size_t index = 0; index < classes; ++index) {
        while (FreeFrame* const frame = other.free_[index]) {
            other.free_[index] = std::exchange(frame->next, free_[index]);
            free_[index] = frame;
        }
        Slab* const carved = std::exchange(other.carving_[index], nullptr);
        carving_[index] = carving_[index] == nullptr ? carved : carving_[index];
    }
    while (Slab* const slab = other.slabs_) {
        other.slabs_ = std::exchange(slab->next, slabs_);
        slabs_ = slab;
    }
    while (Alone* const alone = other.alone_) {
        other.remove(*alone);
        add(*alone);
    }
}

void FramePool::add(Alone& alone) noexcept {
    alone.pool = this;
    alone.previous = nullptr;
    alone.next = alone_;
    if (alone_ != nullptr) {
        alone_->previous = &alone;
    }
    alone_ = &alone;
}

void FramePool::remove(Alone& alone) noexcept {
    *(alone.previous != nullptr ? &alone.previous->next : &alone_) = alone.next;
    if (alone.next != nullptr) {
        alone.next->previous = alone.previous;
    }
}

}  // namespace sluice
