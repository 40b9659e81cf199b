// frame_pool: where coroutine frames come from, and go back to.
//
// A connection starts a handful of tasks for every exchange, always the same few sizes. Each thread
// keeps the frames it has freed, by size, and hands them out again: after warm-up an exchange costs
// no allocation. Frames of a size lie side by side in slabs, so that all that live can be found
// (frames.h) and nobody pays for keeping a list of them. Under AddressSanitizer every frame is the
// heap's own, so that a use after the end is seen.
//
// Ownership:    Slabs are kept until the process ends. Those of a thread that ends go to the next
//               one that wants any.
// Threading:    Any thread; each has its own pool. What one allocated another may free, and keeps.

#pragma once

#include "sluice/runtime/address_sanitizer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace sluice {

inline constexpr bool frames_are_pooled = !under_address_sanitizer;

// The frames of one thread that wait to be used again. Without a destructor, so that reaching it
// costs nothing; the thread's end is watched by whoever first needs a slab.
class FramePool {
public:
    [[nodiscard]] void* allocate(std::size_t octets) {
        const std::size_t index = (octets - 1) / class_octets;
        if (!frames_are_pooled || index >= classes || free_[index] == nullptr) [[unlikely]] {
            return allocate_slowly(octets);
        }
        return std::exchange(free_[index], free_[index]->next);
    }

    void free(void* frame, std::size_t octets) noexcept {
        const std::size_t index = (octets - 1) / class_octets;
        if (!frames_are_pooled || index >= classes) [[unlikely]] {
            free_alone(frame);
            return;
        }
        free_[index] = ::new (frame) FreeFrame{free_[index], {}, nullptr};
    }

    // Calls `visit` with each block that this thread has allocated, and its octets: free ones too,
    // whose third word is null.
    template <typename Visit>
    void for_each_block(Visit visit) {
        for (Slab* slab = slabs_; slab != nullptr; slab = slab->next) {
            for (std::uint32_t index = 0; index < slab->carved; ++index) {
                visit(slab->first() + std::size_t{index} * slab->block_octets, slab->block_octets);
            }
        }
        for (Alone* alone = alone_; alone != nullptr; alone = alone->next) {
            visit(alone->block(), alone->octets);
        }
    }

private:
    static constexpr std::size_t class_octets = 32;
    static constexpr std::size_t classes = 64;  // Frames over 2 KiB are rare, and go to the heap.
    static constexpr std::size_t slab_octets = std::size_t{32} * 1024;

    // The third word of a coroutine's frame says that it is one (loop.h), and here that it is none.
    struct FreeFrame {
        FreeFrame* next;
        void* unused;
        void* frame;
    };
    static_assert(sizeof(FreeFrame) <= class_octets);

    struct alignas(class_octets) Slab {
        Slab* next;
        std::uint32_t block_octets;
        std::uint32_t carved;  // Blocks that were ever allocated: the first ones.

        [[nodiscard]] std::byte* first() noexcept {
            return reinterpret_cast<std::byte*>(this) + sizeof(Slab);
        }
        [[nodiscard]] bool is_carved_up() const noexcept {
            return sizeof(Slab) + (carved + std::size_t{1}) * block_octets > slab_octets;
        }
    };

    // What precedes a frame that is the heap's own.
    struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) Alone {
        Alone* next;
        Alone* previous;
        FramePool* pool;
        std::size_t octets;

        [[nodiscard]] std::byte* block() noexcept {
            return reinterpret_cast<std::byte*>(this) + sizeof(Alone);
        }
    };

    struct Depot;
    struct LeavesAtThreadEnd;

    void* allocate_slowly(std::size_t octets);
    void* allocate_alone(std::size_t octets);
    static void free_alone(void* frame) noexcept;
    void take_all_of(FramePool& other) noexcept;
    void add(Alone& alone) noexcept;
    void remove(Alone& alone) noexcept;

    std::array<FreeFrame*, classes> free_{};
    std::array<Slab*, classes> carving_{};  // Of each size, the slab with room for more.
    Slab* slabs_ = nullptr;
    Alone* alone_ = nullptr;
};

extern constinit thread_local FramePool frame_pool;

}  // namespace sluice
