// Random: the only source of chance in a simulation. The same seed gives the same run, everywhere.
//
// Not <random>: the standard leaves what its distributions yield to each implementation, so a seed
// that fails on one machine would pass on another.
//
// Source:       Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (SplitMix64).

#pragma once

#include "sluice/runtime/ensure.h"

#include <cstdint>

namespace sluice::simulation {

class Random {
public:
    explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

    // Yields one of 0 .. bound-1. The bias of the modulus is far below what a test can notice.
    constexpr std::uint64_t below(std::uint64_t bound) noexcept {
        ensure(bound > 0);
        return next() % bound;
    }

    // Yields one of least .. most.
    constexpr std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept {
        ensure(least <= most);
        return least + below(most - least + 1);
    }

    // Draws nothing when the answer is certain, so that a fault that is off leaves no trace.
    constexpr bool chance(int percent) noexcept {
        if (percent <= 0 || percent >= 100) {
            return percent > 0;
        }
        return below(100) < static_cast<std::uint64_t>(percent);
    }

private:
    constexpr std::uint64_t next() noexcept {
        std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
        return mixed ^ mixed >> 31;
    }

    std::uint64_t state_;
};

}  // namespace sluice::simulation
