#include "sluice/tls/acceptor.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"
#include "sluice/tls/handshake.h"
#include "sluice/tls/transport.h"

#include <utility>

namespace sluice::tls {

TlsAcceptor::TlsAcceptor(Loop& loop, Acceptor& beneath, ServerContext context,
                         const TlsAcceptorOptions& options)
    : loop_(loop),
      beneath_(beneath),
      context_(std::move(context)),
      options_(options),
      scope_(loop) {}

TlsAcceptor::~TlsAcceptor() {
    ensure(ready_.empty());
}

Task<Result<std::unique_ptr<Transport>>> TlsAcceptor::accept() {
    while (true) {
        if (!ready_.empty()) {
            std::unique_ptr<Transport> next = std::move(ready_.front());
            ready_.pop_front();
            room_.set();
            co_return std::move(next);
        }
        if (closing_) {
            co_return failure(Errc::closed, Phase::accept);
        }
        if (error_) {
            co_return std::unexpected(*error_);
        }
        if (!std::exchange(is_taking_, true)) {
            scope_.spawn(take_in());
        }
        changed_.reset();
        const bool happened = co_await changed_.wait();
        if (!happened && ready_.empty()) {
            co_return failure(Errc::cancelled, Phase::accept);
        }
    }
}

Task<> TlsAcceptor::take_in() {
    while (!closing_) {
        if (handshakes_ + ready_.size() >= options_.handshakes_max) {
            room_.reset();
            co_await room_.wait();
            continue;
        }
        Result<std::unique_ptr<Transport>> taken = co_await beneath_.accept();
        if (taken) {
            ++handshakes_;
            scope_.spawn(secure(std::move(*taken)));
        } else if (!closing_) {
            error_ = taken.error();
            break;
        }
    }
    changed_.set();
}

Task<> TlsAcceptor::secure(std::unique_ptr<Transport> transport) {
    context_.tick(loop_.now());
    ERR_clear_error();
    OwnedSsl ssl(SSL_new(context_.native().get()));
    ensure(ssl != nullptr);
    SSL_set_accept_state(ssl.get());
    auto engine = std::make_unique<Engine>(std::move(ssl));
    const StepsOn where = options_.handshakes_on_workers ? StepsOn::workers : StepsOn::loop;
    const Result<void> secured =
        co_await with_timeout(options_.handshake_max, shake_hands(*engine, *transport, where));
    if (secured) {
        ready_.push_back(
            std::make_unique<TlsTransport>(loop_, std::move(transport), std::move(engine)));
    } else {
        tell(secured.error(), transport->peer(), engine->explanation());
        engine.reset();
        co_await transport->close(closing_ ? Ending::reset : Ending::orderly);
    }
    --handshakes_;
    room_.set();
    changed_.set();
}

void TlsAcceptor::tell(const Error& error, const Endpoint& peer,
                       const std::string& explanation) noexcept {
    if (closing_ && error.code == Errc::cancelled) {
        return;
    }
    ++failures_;
    if (observer_ != nullptr) {
        observer_->handshake_failed({error, peer, {}, {}, explanation});
    }
}

Task<> TlsAcceptor::close() {
    closing_ = true;
    scope_.request_stop();
    room_.set();
    co_await scope_.join();
    while (!ready_.empty()) {
        const std::unique_ptr<Transport> unwanted = std::move(ready_.front());
        ready_.pop_front();
        co_await unwanted->close(Ending::reset);
    }
    co_await beneath_.close();
}

}  // namespace sluice::tls
