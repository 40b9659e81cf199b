// Engines: two of them, without a transport between them: what one says is handed to the other.

#pragma once

#include "sluice/runtime/bulk_buffer.h"
#include "sluice/runtime/received.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/tls/ends.h"
#include "sluice/tls/engine.h"
#include "sluice/tls/lent_buffers.h"
#include "sluice/tls/openssl_objects.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace sluice::tests {

inline Received lent(std::span<const std::byte> octets) {
    BulkBuffer buffer(octets.size());
    std::ranges::copy(octets, buffer.octets().begin());
    return tls::LentBuffers::here().lend(std::move(buffer), octets.size()).value();
}

// Yields whether there was anything to hand over.
inline bool hand_over(tls::Engine& from, tls::Engine& to) {
    const tls::Output output = from.take_output();
    if (output.empty()) {
        return false;
    }
    to.feed(lent(output.octets()));
    return true;
}

// A client and a server that have shaken hands.
struct Engines {
    explicit Engines(int version)
        : client(make(House::instance().client_context.native(), version)),
          server(make(House::instance().server_context.native().get(), version)) {
        SSL_set_connect_state(client->ssl());
        SSL_set1_host(client->ssl(), "server.example");
        SSL_set_accept_state(server->ssl());
        CHECK(client->handshake() == tls::Step::wants_input);
        while (!client->is_secured() || !server->is_secured()) {
            REQUIRE(hand_over(*client, *server));
            CHECK(server->handshake() != tls::Step::failed);
            if (!client->is_secured() && hand_over(*server, *client)) {
                CHECK(client->handshake() != tls::Step::failed);
            }
        }
    }

    std::unique_ptr<tls::Engine> client;
    std::unique_ptr<tls::Engine> server;

private:
    static std::unique_ptr<tls::Engine> make(SSL_CTX* context, int version) {
        tls::OwnedSsl ssl(SSL_new(context));
        SSL_set_max_proto_version(ssl.get(), version);
        return std::make_unique<tls::Engine>(std::move(ssl));
    }
};

}  // namespace sluice::tests
