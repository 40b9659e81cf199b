// Authority: the host and the port that a request is for, as Host and CONNECT carry them.
//
// Ownership:    Views into the text that was read.
// Source:       RFC 3986 3.2.2, 3.2.3; RFC 9110 7.2. Of IP literals, only IPv6 is taken.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::http {

struct Authority {
    std::string_view host;              // An IPv6 address without its brackets.
    std::optional<std::uint16_t> port;  // None where the text names none.
    bool is_ipv6 = false;
};

// None for what is no uri-host with an optional port. The host may be empty, as Host allows it;
// user information is never part of it.
[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text) noexcept;

}  // namespace sluice::http
