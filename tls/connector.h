// TlsConnector: makes connections secure that another Connector has made.
//
// The name that is connected to is the name that the server must prove: by its certificate's
// subjectAltNames alone, a DNS name or an IP address (RFC 9525). Sessions that servers offer are
// kept by origin and resumed.
//
// Ownership:    Borrows the loop, the connector beneath and the observer. Its connections may
//               outlive it.
// Errors:       Phase::secure: as of handshake.h, timed_out after handshake_max, and invalid for a
//               host that no certificate can name. Those of the connector beneath.
// Threading:    The loop's thread. The context may be shared with other loops.
// Source:       RFC 8446, RFC 6066 3 (SNI), RFC 7301 (ALPN), RFC 9525.

#pragma once

#include "sluice/runtime/loop.h"
#include "sluice/runtime/transport.h"
#include "sluice/tls/connector_options.h"
#include "sluice/tls/context.h"
#include "sluice/tls/engine.h"
#include "sluice/tls/handshake_observer.h"
#include "sluice/tls/session_cache.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::tls {

class TlsConnector final : public Connector {
public:
    TlsConnector(Loop& loop, Connector& beneath, ClientContext context,
                 const TlsConnectorOptions& options = {});

    // Null: nobody.
    void observe(HandshakeObserver* observer) noexcept { observer_ = observer; }

    Task<Result<std::unique_ptr<Transport>>> connect(std::string_view host, std::uint16_t port,
                                                     ConnectTimes& times) override;

private:
    [[nodiscard]] Result<std::unique_ptr<Engine>> engine_for(const std::string& host,
                                                             std::uint16_t port);

    Loop& loop_;
    Connector& beneath_;
    ClientContext context_;
    TlsConnectorOptions options_;
    HandshakeObserver* observer_ = nullptr;
    std::shared_ptr<SessionCache> sessions_;
};

}  // namespace sluice::tls
