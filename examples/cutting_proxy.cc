#include "sluice/examples/cutting_proxy.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/received.h"
#include "sluice/runtime/transport.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

namespace sluice::examples {

namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

// Until `octets_max` have gone through, or an end is seen. Yields whether it was the former.
Task<bool> pass(Transport& from, Transport& to, std::uint64_t octets_max) {
    std::uint64_t left = octets_max;
    while (left > 0) {
        const Result<Received> received = co_await from.receive();
        if (!received || received->empty()) {
            co_return false;
        }
        const auto taken =
            static_cast<std::size_t>(std::min<std::uint64_t>(left, received->size()));
        iovec part{received->octets().data(), taken};
        const Result<std::uint64_t> sent = co_await to.send(std::span(&part, 1));
        if (!sent) {
            co_return false;
        }
        left -= taken;
    }
    co_return true;
}

}  // namespace

Result<Endpoint> CuttingProxy::listen() {
    Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(loop_, Endpoint::loopback(0));
    if (!acceptor) {
        return failed(acceptor);
    }
    acceptor_ = std::move(*acceptor);
    return acceptor_->local();
}

Task<Result<void>> CuttingProxy::serve() {
    Result<std::unique_ptr<Transport>> client = co_await acceptor_->accept();
    co_await acceptor_->close();
    if (!client) {
        co_return failed(client);
    }
    const Result<void> passed = co_await pass_on(**client);
    co_await (*client)->close(Ending::reset);
    co_return passed;
}

Task<Result<void>> CuttingProxy::pass_on(Transport& client) {
    TcpConnector connector(loop_);
    ConnectTimes times;
    Result<std::unique_ptr<Transport>> connected =
        co_await connector.connect("127.0.0.1", server_.port(), times);
    if (!connected) {
        co_return failed(connected);
    }
    Transport& server = **connected;
    const bool up = direction_ == Direction::to_server;
    co_await when_any(pass(client, server, up ? octets_ : no_limit),
                      pass(server, client, up ? no_limit : octets_));
    co_await server.close(Ending::reset);
    co_return Result<void>();
}

}  // namespace sluice::examples
