#include "sluice/runtime/rate_limited.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <chrono>

namespace sluice {

namespace {

constexpr std::uint64_t slices_per_second = 10;
constexpr Duration lateness_forgiven = std::chrono::milliseconds(100);

Duration time_for(std::uint64_t octets, std::uint64_t octets_per_second) noexcept {
    const double seconds = static_cast<double>(octets) / static_cast<double>(octets_per_second);
    return Duration(static_cast<std::int64_t>(seconds * 1e9));
}

}  // namespace

RateLimitedSource::RateLimitedSource(ByteSource& from, std::uint64_t octets_per_second) noexcept
    : from_(from), octets_per_second_(octets_per_second) {
    ensure(octets_per_second > 0);
}

Task<Result<std::span<const std::byte>>> RateLimitedSource::read() {
    const Context context = co_await this_task();
    if (due_ > context.loop->now()) {
        const bool passed = co_await sleep_until(due_);
        if (!passed) {
            co_return failure(Errc::cancelled, Phase::read);
        }
    }
    if (lent_.empty()) {
        const Result<std::span<const std::byte>> octets = co_await from_.read();
        if (!octets) {
            co_return octets;
        }
        lent_ = *octets;
    }
    const std::uint64_t slice_max =
        std::max<std::uint64_t>(1, octets_per_second_ / slices_per_second);
    const auto octets = static_cast<std::size_t>(std::min<std::uint64_t>(lent_.size(), slice_max));
    const std::span<const std::byte> slice = lent_.first(octets);
    lent_ = lent_.subspan(octets);
    // Timers fire late, never early: within limits, the next slice comes the sooner for it.
    const Instant now = context.loop->now();
    const Instant base = due_ == Instant::min() ? now : std::max(due_, now - lateness_forgiven);
    due_ = base + time_for(octets, octets_per_second_);
    co_return slice;
}

}  // namespace sluice
