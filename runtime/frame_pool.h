// frame_pool: where coroutine frames come from, and go back to.
//
// A connection starts a handful of tasks for every exchange, always the same few sizes. Each thread
// keeps the frames it has freed, by size, and hands them out again: after warm-up an exchange costs
// no allocation. Under AddressSanitizer every frame is the heap's own, so that a use after the end
// is seen.
//
// Threading:    Any thread; each has its own pool.

#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace sluice {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool frames_are_pooled = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool frames_are_pooled = false;
#else
inline constexpr bool frames_are_pooled = true;
#endif
#else
inline constexpr bool frames_are_pooled = true;
#endif

// The frames of one thread that wait to be used again. Without a destructor, so that reaching it
// costs nothing; the thread's end is watched by whoever first asks the heap.
class FramePool {
public:
    [[nodiscard]] void* allocate(std::size_t octets) {
        const std::size_t index = (octets - 1) / class_octets;
        if (!frames_are_pooled || index >= classes || free_[index].first == nullptr) {
            return allocate_from_heap(octets);
        }
        Class& from = free_[index];
        --from.count;
        return std::exchange(from.first, from.first->next);
    }

    void free(void* frame, std::size_t octets) noexcept {
        const std::size_t index = (octets - 1) / class_octets;
        if (!frames_are_pooled || index >= classes || free_[index].count == kept_max) {
            ::operator delete(frame);
            return;
        }
        Class& to = free_[index];
        ++to.count;
        to.first = ::new (frame) FreeFrame{to.first};
    }

    // Gives everything back to the heap.
    void clear() noexcept;

private:
    static constexpr std::size_t class_octets = 32;
    static constexpr std::size_t classes = 64;  // Frames over 2 KiB are rare, and go to the heap.
    static constexpr std::size_t kept_max = 1024;

    struct FreeFrame {
        FreeFrame* next;
    };
    struct Class {
        FreeFrame* first = nullptr;
        std::size_t count = 0;
    };

    static void* allocate_from_heap(std::size_t octets);

    std::array<Class, classes> free_{};
};

extern constinit thread_local FramePool frame_pool;

}  // namespace sluice
