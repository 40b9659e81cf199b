#include "sluice/tls/connector.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/ensure.h"
#include "sluice/tls/handshake.h"
#include "sluice/tls/transport.h"

#include <utility>

namespace sluice::tls {

namespace {

using Connected = Result<std::unique_ptr<Transport>>;

// A name that begins with a dot would match every name below it.
bool can_be_certified(std::string_view host) noexcept {
    return !host.empty() && host.front() != '.' && host.find('\0') == std::string_view::npos;
}

// What the server must prove, and for a name also what it is asked for.
bool expect(SSL* ssl, const std::string& host) {
    if (Endpoint::parse_address(host, 0).has_value()) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    }
    return SSL_set1_host(ssl, host.c_str()) == 1 &&
           SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

TlsConnector::TlsConnector(Loop& loop, Connector& beneath, ClientContext context,
                           const TlsConnectorOptions& options)
    : loop_(loop),
      beneath_(beneath),
      context_(std::move(context)),
      options_(options),
      sessions_(std::make_shared<SessionCache>(options.session_origins_max)) {}

Result<std::unique_ptr<Engine>> TlsConnector::engine_for(const std::string& host,
                                                         std::uint16_t port) {
    ERR_clear_error();
    OwnedSsl ssl(SSL_new(context_.native()));
    ensure(ssl != nullptr);
    SSL_set_connect_state(ssl.get());
    if (!can_be_certified(host) || !expect(ssl.get(), host)) {
        ERR_clear_error();
        return failure(Errc::invalid, Phase::secure);
    }
    std::string origin = host + ":" + std::to_string(port);
    const KeptSession kept = sessions_->take(origin, loop_.now());
    auto engine = std::make_unique<Engine>(std::move(ssl));
    engine->keep_sessions(sessions_, std::move(origin), kept, loop_.now());
    return engine;
}

Task<Connected> TlsConnector::connect(std::string_view host, std::uint16_t port,
                                      ConnectTimes& times) {
    std::string name(host);
    if (name.ends_with('.')) {
        name.pop_back();  // The root's dot is DNS's, and in no certificate.
    }
    Result<std::unique_ptr<Engine>> engine = engine_for(name, port);
    if (!engine) {
        co_return failed(engine);
    }
    Connected connected = co_await beneath_.connect(host, port, times);
    if (!connected) {
        co_return connected;
    }
    Result<Shaken> secured = co_await with_timeout(
        options_.handshake_max, shake_hands(**engine, **connected, StepsOn::loop));
    if (secured && secured->unsent) {  // Our Finished: without it the server has no handshake.
        Error error = *secured->unsent;
        error.phase = Phase::secure;
        error.octets_done = 0;
        secured = std::unexpected(error);
    }
    if (secured) {
        times.secured = loop_.now();
        co_return std::make_unique<TlsTransport>(loop_, std::move(*connected), std::move(*engine));
    }
    const bool was_stopped = secured.error().code == Errc::cancelled;
    if (observer_ != nullptr && !was_stopped) {
        observer_->handshake_failed({secured.error(), (*connected)->peer(), std::move(name),
                                     context_.store(), (*engine)->explanation()});
    }
    co_await (*connected)->close(was_stopped ? Ending::reset : Ending::orderly);
    co_return failed(secured);
}

}  // namespace sluice::tls
