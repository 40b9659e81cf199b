// parse_proxy_header(): what a proxy says of a connection before the connection's own octets: the
// PROXY protocol, version 1 (a line) and version 2 (binary).
//
// Strict, since whoever reads a header otherwise than its sender believes another client. The
// values behind the addresses of version 2 (TLVs) are passed over, but for a checksum, which has to
// hold.
//
// Errors:       Phase::receive, with the offset of the octet that is wrong in octets_done:
//               malformed; limit_exceeded for a header that says it is longer than it may be.
// Source:       haproxy.org, "The PROXY protocol", versions 1 and 2.

#pragma once

#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"

#include <cstddef>
#include <optional>
#include <span>

namespace sluice {

struct ProxyHeader {
    std::size_t octets = 0;  // What follows them is the connection's.

    // Whom the proxy speaks for, and where that one connected to. No addresses: for itself (a check
    // of health), or for somebody of whom it cannot tell.
    Endpoint client;
    Endpoint destination;
};

// Reads the beginning of `input`. None: it is the beginning of a header, and more is needed.
[[nodiscard]] Result<std::optional<ProxyHeader>> parse_proxy_header(
    std::span<const std::byte> input, std::size_t octets_max);

}  // namespace sluice
