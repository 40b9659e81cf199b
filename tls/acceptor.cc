#include "sluice/tls/acceptor.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"
#include "sluice/tls/handshake.h"
#include "sluice/tls/transport.h"

#include <utility>

namespace sluice::tls {

TlsAcceptor::TlsAcceptor(Loop& loop, Acceptor& beneath, ServerContext context,
                         const TlsAcceptorOptions& options)
    : PreparingAcceptor(loop, beneath, options.handshakes_max, options.finishing_max),
      context_(std::move(context)),
      options_(options) {}

Task<std::unique_ptr<Transport>> TlsAcceptor::prepare(std::unique_ptr<Transport> transport) {
    context_.tick(loop().now());
    ERR_clear_error();
    OwnedSsl ssl(SSL_new(context_.native().get()));
    ensure(ssl != nullptr);
    SSL_set_accept_state(ssl.get());
    auto engine = std::make_unique<Engine>(std::move(ssl));
    const StepsOn where = options_.handshakes_on_workers ? StepsOn::workers : StepsOn::loop;
    const Result<Shaken> secured =
        co_await with_timeout(options_.handshake_max, shake_hands(*engine, *transport, where));
    if (secured) {
        co_return std::make_unique<TlsTransport>(loop(), std::move(transport), std::move(engine),
                                                 secured->unsent);
    }
    tell(secured.error(), transport->peer(), engine->explanation());
    engine.reset();
    const Ending ending = is_closing() ? Ending::reset : Ending::orderly;
    co_await transport->close(ending);
    co_return nullptr;
}

void TlsAcceptor::tell(const Error& error, const Endpoint& peer,
                       const std::string& explanation) noexcept {
    if (is_closing() && error.code == Errc::cancelled) {
        return;
    }
    ++failures_;
    if (observer_ != nullptr) {
        observer_->handshake_failed({error, peer, {}, context_.store(), explanation});
    }
}

}  // namespace sluice::tls
