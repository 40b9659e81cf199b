#include "sluice/runtime/frame_pool.h"

#include <array>
#include <new>

namespace sluice {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool pooled = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif
#else
constexpr bool pooled = true;
#endif

constexpr std::size_t class_octets = 32;
constexpr std::size_t classes = 64;  // Frames over 2 KiB are rare, and go to the heap.
constexpr std::size_t kept_max = 1024;

struct FreeFrame {
    FreeFrame* next;
};

struct FrameClass {
    FreeFrame* first = nullptr;
    std::size_t count = 0;
};

// Plain memory, so that reaching it costs no look at whether the thread has it yet.
constinit thread_local std::array<FrameClass, classes> pool{};

void* pop(FrameClass& from) noexcept {
    --from.count;
    FreeFrame* const frame = from.first;
    from.first = frame->next;
    return frame;
}

// Gives the frames back to the heap when the thread ends.
class PoolEnd {
public:
    PoolEnd() noexcept = default;
    PoolEnd(PoolEnd&&) = delete;
    ~PoolEnd() {
        for (FrameClass& each : pool) {
            while (each.first != nullptr) {
                ::operator delete(pop(each));
            }
        }
    }

    void expect() const noexcept {}  // Its first use on a thread makes sure of its destructor.
};

thread_local PoolEnd pool_end;

}  // namespace

void* allocate_frame(std::size_t octets) {
    const std::size_t index = (octets - 1) / class_octets;
    if (!pooled || index >= classes) {
        return ::operator new(octets);
    }
    FrameClass& from = pool[index];
    if (from.first != nullptr) [[likely]] {
        return pop(from);
    }
    return ::operator new((index + 1) * class_octets);
}

void free_frame(void* frame, std::size_t octets) noexcept {
    const std::size_t index = (octets - 1) / class_octets;
    if (!pooled || index >= classes || pool[index].count == kept_max) {
        ::operator delete(frame);
        return;
    }
    FrameClass& to = pool[index];
    if (to.count == 0) {
        pool_end.expect();
    }
    ++to.count;
    to.first = new (frame) FreeFrame{to.first};
}

}  // namespace sluice
