#include "sluice/runtime/frame_pool.h"

namespace sluice {

namespace {

struct ClearAtThreadEnd {
    ~ClearAtThreadEnd() { frame_pool.clear(); }
};

}  // namespace

constinit thread_local FramePool frame_pool;

void* FramePool::allocate_from_heap(std::size_t octets) {
    static thread_local const ClearAtThreadEnd at_thread_end;
    static_cast<void>(at_thread_end);
    const std::size_t index = (octets - 1) / class_octets;
    return ::operator new(index < classes ? (index + 1) * class_octets : octets);
}

void FramePool::clear() noexcept {
    for (Class& each : free_) {
        while (each.first != nullptr) {
            --each.count;
            ::operator delete(std::exchange(each.first, each.first->next));
        }
    }
}

}  // namespace sluice
