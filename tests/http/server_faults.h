// server_faults(): what a raw client can do to a server, as scenes whose every octet is decided.
//
// Nothing in them depends on how much a kernel buffers or on which of two events comes first, so
// their records are the same on every backend, and at every time.

#pragma once

#include "sluice/tests/http/server_harness.h"

#include <string>
#include <vector>

namespace sluice::tests {

struct ServerFault {
    std::string what;
    Scene scene;
};

[[nodiscard]] std::vector<ServerFault> server_faults();

}  // namespace sluice::tests
