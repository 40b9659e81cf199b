// ends: a TLS connection with both of its ends in one loop, for tests of what it carries.

#pragma once

#include "sluice/runtime/combine.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/tcp.h"
#include "sluice/runtime/transport.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/tls/certificates.h"
#include "sluice/tls/acceptor.h"
#include "sluice/tls/connector.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace sluice::tests {

// One authority and one server certificate for all tests of a process: keys take time.
struct House {
    Authority authority;
    Certified server = authority.certify({}, "server");

    [[nodiscard]] static House& instance() {
        static House house;
        return house;
    }
    [[nodiscard]] tls::ServerOptions server_options() const { return {.identity = server.files}; }
    [[nodiscard]] tls::ClientOptions client_options() const {
        return {.trust_file = authority.root_file()};
    }

    tls::ServerContext server_context = tls::ServerContext::create(server_options()).value();
    tls::ClientContext client_context = tls::ClientContext::create(client_options()).value();
};

// A server that accepts, beneath TLS and above.
class Serving {
public:
    explicit Serving(Loop& loop,
                     const tls::ServerContext& context = House::instance().server_context,
                     const tls::TlsAcceptorOptions& limits = {})
        : beneath_(TcpAcceptor::listen(loop, Endpoint::loopback(0)).value()),
          acceptor_(loop, *beneath_, context, limits) {}

    [[nodiscard]] tls::TlsAcceptor& acceptor() noexcept { return acceptor_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return beneath_->local().port(); }

private:
    std::unique_ptr<TcpAcceptor> beneath_;
    tls::TlsAcceptor acceptor_;
};

// A client that connects, likewise.
class Connecting {
public:
    explicit Connecting(Loop& loop,
                        const tls::ClientContext& context = House::instance().client_context,
                        const tls::TlsConnectorOptions& limits = {})
        : beneath_(loop), connector_(loop, beneath_, context, limits) {}

    [[nodiscard]] tls::TlsConnector& connector() noexcept { return connector_; }

private:
    TcpConnector beneath_;
    tls::TlsConnector connector_;
};

using Connected = Result<std::unique_ptr<Transport>>;

struct Ends {
    std::unique_ptr<Transport> client;
    std::unique_ptr<Transport> server;
};

// Both ends; fails the test if there are none.
inline Task<Ends> connect(Serving& serving, Connecting& connecting) {
    ConnectTimes times;
    std::tuple<Connected, Connected> both =
        co_await when_all(connecting.connector().connect("127.0.0.1", serving.port(), times),
                          serving.acceptor().accept());
    REQUIRE(std::get<0>(both));
    REQUIRE(std::get<1>(both));
    CHECK(times.secured != never);
    Ends ends{std::move(*std::get<0>(both)), std::move(*std::get<1>(both))};
    co_return ends;
}

inline Task<Result<std::uint64_t>> send(Transport& transport, std::string_view octets) {
    iovec part{const_cast<char*>(octets.data()), octets.size()};
    const Result<std::uint64_t> sent = co_await transport.send(std::span(&part, 1));
    co_return sent;
}

struct Input {
    std::string octets;
    Result<void> end;  // By close_notify; else why.
};

// What comes up to the end, or up to `octets_max` of it.
inline Task<Input> receive_all(Transport& transport, std::size_t octets_max = SIZE_MAX) {
    Input input;
    while (input.octets.size() < octets_max) {
        const Result<Received> piece = co_await transport.receive();
        if (!piece) {
            input.end = failed(piece);
            break;
        }
        if (piece->empty()) {
            break;
        }
        const std::span<const std::byte> octets = piece->octets();
        input.octets.append(reinterpret_cast<const char*>(octets.data()), octets.size());
    }
    co_return input;
}

}  // namespace sluice::tests
