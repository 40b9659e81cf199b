// frame_pool: where coroutine frames come from, and go back to.
//
// A connection starts a handful of tasks for every exchange, always the same few sizes. Each thread
// keeps the frames it has freed, by size, and hands them out again: after warm-up an exchange costs
// no allocation. Under AddressSanitizer every frame is the heap's own, so that a use after the end
// is seen.
//
// Threading:    Any thread; each has its own pool.

#pragma once

#include <cstddef>

namespace sluice {

[[nodiscard]] void* allocate_frame(std::size_t octets);
void free_frame(void* frame, std::size_t octets) noexcept;

}  // namespace sluice
