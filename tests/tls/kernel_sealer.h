// What a kernel that has TLS does with the keys it is given, by OpenSSL: for a simulated one.

#pragma once

#include "sluice/runtime/sealing_keys.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::tests {

// The record that comes next (RFC 8446 5.2; RFC 5246 6.2.3.3, RFC 5288 3, RFC 7905 2).
[[nodiscard]] std::vector<std::byte> seal_as_kernel(const SealingKeys& keys, std::uint8_t type,
                                                    std::span<const std::byte> plaintext);

}  // namespace sluice::tests
