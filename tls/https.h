// https(): for ClientOptions::https, so that a client understands https URLs.
//
//     http::Client client(loop, {.https = tls::https()});
//
// Threading:    Clients of many threads may share one, and its observer, if it is fit for that.

#pragma once

#include "sluice/runtime/connector_layer.h"
#include "sluice/tls/connector_options.h"
#include "sluice/tls/context.h"
#include "sluice/tls/handshake_observer.h"

namespace sluice::tls {

// With the system's roots, and everything as ClientOptions has it by default.
[[nodiscard]] ConnectorLayer https();

// `observer` may be null, and stays as long as the client.
[[nodiscard]] ConnectorLayer https(ClientContext context, HandshakeObserver* observer = nullptr,
                                   const TlsConnectorOptions& options = {});

}  // namespace sluice::tls
