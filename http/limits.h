// Limits: how much of a message a peer may make us hold or read.
//
// Each is a bound on octets or fields as they come from the wire; one more is refused with the
// error named beside it. The defaults suit a server open to the world.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace sluice::http {

inline constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

struct Limits {
    // Start-line, field section and the empty line after it, together.
    std::size_t head_octets_max = 32 * 1024;       // Errc::head_too_large
    std::size_t target_octets_max = 8 * 1024;      // Errc::target_too_long
    std::size_t fields_max = 100;                  // Errc::fields_too_many, trailers alike
    std::uint64_t content_octets_max = unlimited;  // Errc::content_too_large
    std::uint64_t chunk_extension_octets_max =
        4 * 1024;                               // Of one message: chunk_extension_too_large
    std::size_t trailer_octets_max = 8 * 1024;  // Errc::trailers_too_large
};

}  // namespace sluice::http
