#include "sluice/http/server.h"

#include "sluice/http/server_core.h"
#include "sluice/runtime/tcp.h"

#include <utility>

namespace sluice::http {

Server::Server(Loop& loop, Handler handler, const ServerOptions& options)
    : core_(std::make_unique<ServerCore>(loop, std::move(handler), options)) {}

Server::~Server() = default;

void Server::observe(OutcomeObserver* observer) noexcept {
    core_->observe(observer);
}

Task<sluice::Result<void>> Server::serve(Acceptor& acceptor) {
    return core_->serve(acceptor);
}

Task<sluice::Result<void>> Server::listen(const Endpoint& at) {
    const sluice::Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(core_->loop(), at, core_->options().tcp);
    if (!acceptor) {
        co_return failed(acceptor);
    }
    const sluice::Result<void> served = co_await core_->serve(**acceptor);
    co_return served;
}

void Server::drain(Duration patience) noexcept {
    core_->drain(patience);
}

std::size_t Server::connections() const noexcept {
    return core_->connections();
}

}  // namespace sluice::http
