// exit_status_of(): an outcome as the exit status of `transfer`, for scripts.
//
// Zero means that the answer is whole, says success, and answers the whole request; so a response
// that ended with its connection, and could have been cut, is not zero.

#pragma once

#include "sluice/http/outcome.h"

#include <cstdint>

namespace sluice::examples {

enum class ExitStatus : std::uint8_t {
    success = 0,          // Complete, and 2xx.
    other = 1,            // Anything that has no status of its own.
    usage = 2,            // Never an outcome's: the command line was wrong.
    never_on_wire = 3,    // Not an octet was sent.
    maybe_processed = 4,  // Sent, in part or whole, and not answered.
    truncated = 5,        // The answer is incomplete.
    timed_out = 6,
    cancelled = 7,
    refused = 22,  // Complete, and not 2xx: the answer is known, and is no.
};

[[nodiscard]] ExitStatus exit_status_of(const http::Outcome& outcome) noexcept;

}  // namespace sluice::examples
