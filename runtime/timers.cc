#include "sluice/runtime/timers.h"

#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <bit>

namespace sluice {

Timers::~Timers() {
    ensure(armed_ == 0);
}

void Timers::arm(Timer& timer, Instant due) noexcept {
    timer.disarm();
    if (due == never) {
        return;
    }
    const auto nanoseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(due.count(), 0));
    constexpr std::uint64_t tick = std::uint64_t{1} << tick_bits;
    constexpr std::uint64_t last_tick = static_cast<std::uint64_t>(never.count()) / tick;
    timer.due_tick_ = std::min(nanoseconds / tick + (nanoseconds % tick != 0 ? 1 : 0), last_tick);
    timer.timers_ = this;
    ++armed_;
    insert(timer);
}

// The level is where the due tick first differs from now, so a slot is reached exactly when the
// digits above it agree; a timer then moves down, at most once a level.
void Timers::insert(Timer& timer) noexcept {
    const std::uint64_t due = std::max(timer.due_tick_, now_tick_ + 1);
    const std::uint64_t differing = due ^ now_tick_;
    const auto level = static_cast<std::size_t>(63 - std::countl_zero(differing)) / level_bits;
    const std::size_t index = due >> (level * level_bits) & (slots - 1);

    Timer*& head = wheel_[level][index];
    timer.slot_ = static_cast<std::uint16_t>(level * slots + index);
    timer.next_ = head;
    timer.to_this_ = &head;
    if (head != nullptr) {
        head->to_this_ = &timer.next_;
    }
    head = &timer;
    occupied_[level] |= std::uint64_t{1} << index;
}

void Timers::remove(Timer& timer) noexcept {
    *timer.to_this_ = timer.next_;
    if (timer.next_ != nullptr) {
        timer.next_->to_this_ = timer.to_this_;
    }
    const std::size_t level = timer.slot_ / slots;
    const std::size_t index = timer.slot_ % slots;
    if (wheel_[level][index] == nullptr) {
        occupied_[level] &= ~(std::uint64_t{1} << index);
    }
    timer.timers_ = nullptr;
    --armed_;
}

Timer* Timers::take(std::size_t level, std::size_t index) noexcept {
    occupied_[level] &= ~(std::uint64_t{1} << index);
    Timer* const first = wheel_[level][index];
    wheel_[level][index] = nullptr;
    return first;
}

void Timers::advance(Instant now) noexcept {
    const std::uint64_t target = static_cast<std::uint64_t>(now.count()) >> tick_bits;
    Timer* due = nullptr;
    while (now_tick_ < target) {
        const Instant earliest = next();
        if (earliest > now) {
            now_tick_ = target;
            break;
        }
        now_tick_ = static_cast<std::uint64_t>(earliest.count()) >> tick_bits;
        // A slot is due where all digits below its level are zero; from the top, so that what
        // comes down can be due in the same tick.
        for (std::size_t level = levels; level-- > 0;) {
            const std::uint64_t below = (std::uint64_t{1} << (level * level_bits)) - 1;
            if ((now_tick_ & below) != 0) {
                continue;
            }
            const std::size_t index = now_tick_ >> (level * level_bits) & (slots - 1);
            for (Timer* timer = take(level, index); timer != nullptr;) {
                Timer* const following = timer->next_;
                if (timer->due_tick_ <= now_tick_) {
                    timer->next_ = due;
                    timer->to_this_ = &due;
                    if (due != nullptr) {
                        due->to_this_ = &timer->next_;
                    }
                    due = timer;
                } else {
                    insert(*timer);
                }
                timer = following;
            }
        }
    }
    // Fired from a list that disarming edits: one fired() may disarm the next.
    while (due != nullptr) {
        Timer& timer = *due;
        timer.disarm();
        timer.fired();
    }
}

Instant Timers::next() const noexcept {
    for (std::size_t level = 0; level < levels; ++level) {
        const std::uint64_t shift = level * level_bits;
        const std::uint64_t digit = now_tick_ >> shift & (slots - 1);
        const std::uint64_t later = occupied_[level] & (~std::uint64_t{1} << digit);
        if (later != 0) {
            const auto index = static_cast<std::uint64_t>(std::countr_zero(later));
            const std::uint64_t above = now_tick_ >> (shift + level_bits) << (shift + level_bits);
            return Instant(static_cast<std::int64_t>((above | index << shift) << tick_bits));
        }
    }
    return never;
}

}  // namespace sluice
