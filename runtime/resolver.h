// resolve: the addresses of a host, by the system's resolver.
//
// Numeric addresses and "localhost" are answered at once; everything else asks getaddrinfo(3) on a
// worker. On the simulator there is no name service: only the former are known.
//
// Completion:   At least one address, in the order in which they are to be tried.
// Cancellation: getaddrinfo cannot be interrupted: a stop is answered when it returns.
// Errors:       In phase resolve: `unreachable` for a name that nobody knows, or no answer.

#pragma once

#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

// `host` is a name or a numeric address, without brackets.
[[nodiscard]] Task<Result<std::vector<Endpoint>>> resolve(std::string host, std::uint16_t port);

}  // namespace sluice
