// allocations(): how often this program has allocated so far.
//
// A program that links it has its operator new replaced by one that counts, for all that is in it.
//
// Threading:    Counts what one thread allocates at a time.

#pragma once

#include <cstdint>

namespace sluice::tests {

[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace sluice::tests
