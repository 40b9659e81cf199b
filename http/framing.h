// Framing: how the end of a message's content is known.
//
// Source:       RFC 9112 6.

#pragma once

#include <cstdint>

namespace sluice::http {

struct Framing {
    enum class Kind : std::uint8_t {
        none,     // The message ends with its head.
        length,   // `length` octets follow, which may be none.
        chunked,  // The chunked coding says.
        close,    // The stream's end says. Responses alone, and never a proof of completeness.
        upgrade,  // No message follows: the stream is another protocol's (101, 2xx to CONNECT).
    };

    Kind kind = Kind::none;
    std::uint64_t length = 0;  // Octets of content, for Kind::length.

    [[nodiscard]] static constexpr Framing none() noexcept { return {}; }
    [[nodiscard]] static constexpr Framing of_length(std::uint64_t octets) noexcept {
        return {Kind::length, octets};
    }
    [[nodiscard]] static constexpr Framing chunked() noexcept { return {Kind::chunked, 0}; }
    [[nodiscard]] static constexpr Framing close() noexcept { return {Kind::close, 0}; }
    [[nodiscard]] static constexpr Framing upgrade() noexcept { return {Kind::upgrade, 0}; }

    // Whether not a single octet of content or coding follows the head.
    [[nodiscard]] constexpr bool ends_with_head() const noexcept {
        return kind == Kind::none || (kind == Kind::length && length == 0);
    }

    friend constexpr bool operator==(const Framing&, const Framing&) noexcept = default;
};

}  // namespace sluice::http
