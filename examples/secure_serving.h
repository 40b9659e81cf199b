// SecureServing: the options by which a program of serve() speaks TLS.
//
// Apart from serve(), so that a program that never does links no OpenSSL.
//
// Errors:       Said on stderr, as is each handshake that fails, with the reason.

#pragma once

#include "sluice/examples/command_line.h"
#include "sluice/examples/serve.h"
#include "sluice/tls/options.h"

namespace sluice::examples {

struct SecureServing {
    tls::ServerOptions tls = {};

    // --tls-cert, --tls-key and --client-ca.
    void add_to(CommandLine& line);

    // Sets ServeOptions::secure if a certificate was given. Yields whether it could.
    [[nodiscard]] bool apply_to(ServeOptions& options) const;
};

}  // namespace sluice::examples
