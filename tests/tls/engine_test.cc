// Of two Engines, without a transport between them: what one says is handed to the other.

#include "sluice/tls/engine.h"

#include "sluice/tests/tls/ends.h"
#include "sluice/tls/blocks.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::House;
using tls::Engine;
using tls::Step;

std::unique_ptr<Engine> make_engine(SSL_CTX* context, bool is_client) {
    tls::OwnedSsl ssl(SSL_new(context));
    SSL_set_max_proto_version(ssl.get(), TLS1_2_VERSION);
    if (is_client) {
        SSL_set_connect_state(ssl.get());
        SSL_set1_host(ssl.get(), "server.example");
    } else {
        SSL_set_accept_state(ssl.get());
    }
    return std::make_unique<Engine>(std::move(ssl));
}

// Yields whether there was anything to hand over.
bool hand_over(Engine& from, Engine& to) {
    const tls::Output output = from.take_output();
    if (output.empty()) {
        return false;
    }
    tls::Block block = tls::Blocks::here().take(output.size());
    std::ranges::copy(output.octets(), block.octets().begin());
    to.feed(tls::Blocks::here().lend(std::move(block), output.size()).value());
    return true;
}

struct Pair {
    std::unique_ptr<Engine> client = make_engine(House::instance().client_context.native(), true);
    std::unique_ptr<Engine> server =
        make_engine(House::instance().server_context.native().get(), false);

    Pair() {
        CHECK(client->handshake() == Step::wants_input);
        while (!client->is_secured() || !server->is_secured()) {
            REQUIRE(hand_over(*client, *server));
            CHECK(server->handshake() != Step::failed);
            if (hand_over(*server, *client)) {
                CHECK(client->handshake() != Step::failed);
            }
        }
    }
};

TEST_CASE("engine: neither a client nor a server negotiates again, and says so", "[tls][engine]") {
    for (const bool server_wants : {true, false}) {
        CAPTURE(server_wants);
        const Pair pair;
        Engine& wanting = server_wants ? *pair.server : *pair.client;
        Engine& asked = server_wants ? *pair.client : *pair.server;
        SSL_clear_options(wanting.ssl(), SSL_OP_NO_RENEGOTIATION);
        REQUIRE(SSL_renegotiate(wanting.ssl()) == 1);
        SSL_do_handshake(wanting.ssl());
        REQUIRE(hand_over(wanting, asked));
        std::array<std::byte, 100> plaintext{};
        const Engine::Opened opened = asked.open(plaintext);
        CHECK(opened.step == Step::wants_input);
        REQUIRE(hand_over(asked, wanting));
        const Engine::Opened answer = wanting.open(plaintext);
        // OpenSSL takes that for the end, and would not have to.
        CHECK(answer.step == Step::failed);
        CHECK(wanting.explanation() == "no renegotiation");
        // And it goes on as it was.
        CHECK(asked.seal(std::as_bytes(std::span("hello"))) == Step::done);
    }
}

}  // namespace
}  // namespace sluice
