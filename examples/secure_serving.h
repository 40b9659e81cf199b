// SecureServing: the options by which a program of serve() speaks TLS.
//
// Apart from serve(), so that a program that never does links no OpenSSL.
//
// Errors:       Said on stderr, as is each handshake that fails, with the reason.

#pragma once

#include "sluice/examples/command_line.h"
#include "sluice/examples/reload_on_hangup.h"
#include "sluice/examples/serve.h"
#include "sluice/tls/options.h"

#include <optional>

namespace sluice::examples {

struct SecureServing {
    tls::ServerOptions tls = {};

    // --tls-cert, --tls-key, --tls-ocsp, --tls-tickets and --client-ca.
    void add_to(CommandLine& line);

    // Sets ServeOptions::secure if any of these was given, and they make sense together: yields
    // whether they do. From then on a SIGHUP has all of the files read again.
    [[nodiscard]] bool apply_to(ServeOptions& options);

    std::optional<ReloadOnHangup> reloading = {};
};

}  // namespace sluice::examples
