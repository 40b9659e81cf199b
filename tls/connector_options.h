// TlsConnectorOptions: the limits of a TlsConnector.

#pragma once

#include "sluice/runtime/clock.h"

#include <chrono>
#include <cstddef>

namespace sluice::tls {

struct TlsConnectorOptions {
    Duration handshake_max = std::chrono::seconds(10);
    // Origins whose sessions are kept; 0: none are.
    std::size_t session_origins_max = 256;
};

}  // namespace sluice::tls
