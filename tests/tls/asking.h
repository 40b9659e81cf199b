// asking: clients that ask a server of this host for one name after another, and what they learn.

#pragma once

#include "sluice/runtime/combine.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/tls/ends.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::tests {

// Whatever the host is called, and whichever port is asked for, it is here.
class Here final : public Connector {
public:
    explicit Here(Loop& loop) : tcp_(loop) {}
    void listens_at(std::uint16_t port) noexcept { port_ = port; }
    Task<Connected> connect(std::string_view, std::uint16_t, ConnectTimes& times) override {
        return tcp_.connect("127.0.0.1", port_, times);
    }

private:
    TcpConnector tcp_;
    std::uint16_t port_ = 0;
};

class Asking {
public:
    explicit Asking(Loop& loop,
                    const tls::ClientContext& context = House::instance().client_context)
        : here_(loop), connector_(loop, here_, context) {}
    [[nodiscard]] tls::TlsConnector& connector() noexcept { return connector_; }
    [[nodiscard]] Here& here() noexcept { return here_; }

private:
    Here here_;
    tls::TlsConnector connector_;
};

// What a client learns who asks for `host`.
struct Learnt {
    Error error;
    std::string subject;
    std::vector<std::string> names;
    bool is_resumed = false;
    std::unique_ptr<Transport> client;
    std::unique_ptr<Transport> server;
};

inline Task<> close(Learnt& learnt) {
    for (std::unique_ptr<Transport>* each : {&learnt.client, &learnt.server}) {
        if (*each != nullptr) {
            co_await (*each)->close(Ending::orderly);
            each->reset();
        }
    }
}

inline Task<Learnt> connect_as(Serving& serving, Asking& asking, std::string_view host) {
    ConnectTimes times;
    asking.here().listens_at(serving.port());
    auto [client, server] =
        co_await when_all(asking.connector().connect(host, 443, times),
                          with_timeout(std::chrono::seconds(1), serving.acceptor().accept()));
    Learnt learnt;
    learnt.error = client ? Error() : client.error();
    if (client && server) {
        std::ignore = co_await tests::send(**server, "x");  // Behind the tickets.
        const tests::Input input = co_await tests::receive_all(**client, 1);
        CHECK(input.octets == "x");
        learnt.subject = (*client)->security()->peer->subject;
        learnt.names = (*client)->security()->peer->names;
        learnt.is_resumed = (*client)->security()->is_resumed;
    }
    learnt.client = client ? std::move(*client) : nullptr;
    learnt.server = server ? std::move(*server) : nullptr;
    co_return learnt;
}

inline Task<Learnt> ask_as(Serving& serving, Asking& asking, std::string_view host) {
    Learnt learnt = co_await connect_as(serving, asking, host);
    co_await close(learnt);
    co_return learnt;
}

inline Task<Learnt> ask_once(Loop& loop, const tls::ServerContext& context, std::string_view host,
                             const tls::ClientContext& client) {
    Serving serving(loop, context);
    Asking asking(loop, client);
    Learnt learnt = co_await ask_as(serving, asking, host);
    co_await serving.acceptor().close();
    co_return learnt;
}

inline Learnt asked(const tls::ServerContext& context, std::string_view host,
                    const tls::ClientContext& client = House::instance().client_context) {
    return simulation::run({}, [&](const simulation::World& world) {
        return ask_once(world.loop, context, host, client);
    });
}

}  // namespace sluice::tests
