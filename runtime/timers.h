// Timers: all deadlines of one loop, in a hierarchical timing wheel.
//
// Arming and disarming are O(1) and allocate nothing, since a time limit is armed for every phase
// of every exchange and nearly always disarmed. A timer fires at its instant or up to one tick
// (about a millisecond) after it, never before.
//
// Ownership:    A Timer is linked in place and disarms itself when destroyed.
// Threading:    The loop's thread.
// Source:       Varghese and Lauck, Hashed and Hierarchical Timing Wheels, 1987.

#pragma once

#include "sluice/runtime/clock.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

class Timers;

class Timer {
public:
    Timer() noexcept = default;
    Timer(Timer&&) = delete;

    // Bookkeeping only, as Operation::complete(). The timer is disarmed and may be armed again.
    virtual void fired() noexcept = 0;

    [[nodiscard]] bool armed() const noexcept { return timers_ != nullptr; }
    void disarm() noexcept;

protected:
    ~Timer() { disarm(); }

private:
    friend class Timers;

    Timers* timers_ = nullptr;
    Timer* next_ = nullptr;
    Timer** to_this_ = nullptr;  // The pointer that points here.
    std::uint64_t due_tick_ = 0;
    std::uint16_t slot_ = 0;
};

class Timers {
public:
    Timers() noexcept = default;
    Timers(Timers&&) = delete;
    ~Timers();

    // Arms `timer` for `due`, or moves it there. For `never` it is disarmed.
    void arm(Timer& timer, Instant due) noexcept;

    // Fires what is due. Timers armed meanwhile wait for the next call.
    void advance(Instant now) noexcept;

    // A time not after the earliest timer and as near to it as is cheap to say; `never` for none.
    [[nodiscard]] Instant next() const noexcept;

    [[nodiscard]] std::size_t armed() const noexcept { return armed_; }

private:
    friend class Timer;

    static constexpr int tick_bits = 20;  // 2^20 ns
    static constexpr int level_bits = 6;
    static constexpr std::size_t levels = 8;  // 2^48 ticks: more than an Instant can say.
    static constexpr std::size_t slots = std::size_t{1} << level_bits;

    void insert(Timer& timer) noexcept;
    void remove(Timer& timer) noexcept;
    // Takes all of a slot, as a list.
    Timer* take(std::size_t level, std::size_t index) noexcept;

    std::uint64_t now_tick_ = 0;
    std::size_t armed_ = 0;
    std::array<std::uint64_t, levels> occupied_{};
    std::array<std::array<Timer*, slots>, levels> wheel_{};
};

inline void Timer::disarm() noexcept {
    if (timers_ != nullptr) {
        timers_->remove(*this);
    }
}

}  // namespace sluice
