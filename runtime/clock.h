// Instant: a point on a Backend's own clock, which is not the wall clock and not always the
// kernel's.

#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace sluice {

using Duration = std::chrono::duration<std::int64_t, std::nano>;

// Since an unspecified start; it never runs backwards.
using Instant = Duration;

inline constexpr Instant never{std::numeric_limits<std::int64_t>::max()};

// `limit` after `from`. A limit of `never`, or any that leads beyond it, ends there.
[[nodiscard]] constexpr Instant after(Instant from, Duration limit) noexcept {
    return limit > never - from ? never : from + limit;
}

}  // namespace sluice
