// ProxyAcceptor: takes connections from proxies that say whom they speak for: the PROXY protocol.
//
//     const auto listening = TcpAcceptor::listen(loop, Endpoint::any(8080));
//     ProxyAcceptor proxied(loop, **listening);
//     tls::TlsAcceptor secure(loop, proxied, context);  // If the proxy passes TLS through.
//     co_await server.serve(secure);
//
// Each connection must begin with a header, of version 1 or 2: one that does not is reset, and none
// of its octets reaches what is above. Transport::peer() is the client then, and local() where that
// one connected to; of a proxy that speaks for itself they are the connection's own.
//
// Whoever can connect can say who he is: listen where only your proxies can reach.
//
// Cancellation: As PreparingAcceptor.
// Errors:       A refused header is no error of accept(): it is counted, and told to whom it was
//               asked for.
// Threading:    The loop's thread.
// Source:       haproxy.org, "The PROXY protocol", versions 1 and 2.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/preparing_acceptor.h"
#include "sluice/runtime/transport.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace sluice {

struct ProxyAcceptorOptions {
    Duration header_max = std::chrono::seconds(5);
    std::size_t header_octets_max = 4096;
    // At a time, with the connections that were not accepted yet.
    std::size_t headers_max = 1024;
    // How long those that have come may still take once accept() was asked to stop.
    Duration finishing_max = std::chrono::seconds(1);
    // Told of each connection without a header that can be believed: malformed, limit_exceeded,
    // timed_out, end_of_stream, reset; and which proxy it was.
    std::function<void(const Error& error, const Endpoint& proxy)> on_refused = {};
};

class ProxyAcceptor final : public PreparingAcceptor {
public:
    ProxyAcceptor(Loop& loop, Acceptor& beneath, ProxyAcceptorOptions options = {});

    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

private:
    Task<std::unique_ptr<Transport>> prepare(std::unique_ptr<Transport> transport) override;

    ProxyAcceptorOptions options_;
    std::uint64_t refused_ = 0;
};

}  // namespace sluice
