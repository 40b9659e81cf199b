// for_each_seed(): one check in many simulated worlds; a failure names its seed.

#pragma once

#include "sluice/tests/catch.h"

#include <cstdint>

namespace sluice::tests {

inline constexpr std::uint64_t seeds_usual = 1000;

template <typename Check>
void for_each_seed(std::uint64_t seeds, Check check) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        CAPTURE(seed);
        check(seed);
    }
}

}  // namespace sluice::tests
