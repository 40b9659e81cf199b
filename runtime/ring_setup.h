// set_up_ring(): asks for a ring until there is memory for one, or it is clear that there is not.
//
// A ring counts against the user's RLIMIT_MEMLOCK, and the kernel gives back what one took only
// some milliseconds after it was closed. So ENOMEM is asked again for a moment; where it stays, a
// smaller ring does all the same, only slower under load.
//
// Errors:       What the kernel said last; -ENOMEM if even the smallest does not fit.
// Source:       io_uring_setup(2).

#pragma once

#include <functional>

namespace sluice {

struct RingSize {
    unsigned submissions;
    unsigned completions;
};

// A limit of 64 KiB, the default of older systems, has room for this.
inline constexpr RingSize ring_size_min{128, 1024};
inline constexpr int ring_attempts_max = 50;

// `attempt` yields 0 or a negated errno; `pause` lets a millisecond pass.
[[nodiscard]] int set_up_ring(RingSize size, const std::function<int(RingSize)>& attempt,
                              const std::function<void()>& pause);

}  // namespace sluice
