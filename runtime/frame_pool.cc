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

class Pool {
public:
    Pool() noexcept = default;
    Pool(Pool&&) = delete;
    ~Pool() {
        for (Class& each : classes_) {
            while (each.first != nullptr) {
                ::operator delete(pop(each));
            }
        }
    }

    void* allocate(std::size_t index) {
        Class& from = classes_[index];
        return from.first != nullptr ? pop(from) : ::operator new((index + 1) * class_octets);
    }

    void free(void* frame, std::size_t index) noexcept {
        Class& to = classes_[index];
        if (to.count == kept_max) {
            ::operator delete(frame);
            return;
        }
        ++to.count;
        to.first = new (frame) FreeFrame{to.first};
    }

private:
    struct Class {
        FreeFrame* first = nullptr;
        std::size_t count = 0;
    };

    static void* pop(Class& from) noexcept {
        --from.count;
        FreeFrame* const frame = from.first;
        from.first = frame->next;
        return frame;
    }

    std::array<Class, classes> classes_{};
};

thread_local Pool pool;

}  // namespace

void* allocate_frame(std::size_t octets) {
    const std::size_t index = (octets - 1) / class_octets;
    return pooled && index < classes ? pool.allocate(index) : ::operator new(octets);
}

void free_frame(void* frame, std::size_t octets) noexcept {
    const std::size_t index = (octets - 1) / class_octets;
    if (pooled && index < classes) {
        pool.free(frame, index);
    } else {
        ::operator delete(frame);
    }
}

}  // namespace sluice
