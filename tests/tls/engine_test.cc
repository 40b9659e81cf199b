#include "sluice/tls/engine.h"

#include "sluice/tests/tls/engines.h"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::hand_over;
using tls::Engine;
using tls::Step;

TEST_CASE("engine: neither a client nor a server negotiates again, and says so", "[tls][engine]") {
    for (const bool server_wants : {true, false}) {
        CAPTURE(server_wants);
        const tests::Engines pair(TLS1_2_VERSION);
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

// A peer that changes its keys so many times, and then may say something.
Engine::Opened opened_after(const tests::Engines& pair, int updates, std::string_view said) {
    for (int count = 0; count < updates; ++count) {
        REQUIRE(SSL_key_update(pair.client->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
        REQUIRE(SSL_do_handshake(pair.client->ssl()) == 1);
    }
    if (!said.empty()) {
        REQUIRE(pair.client->seal(std::as_bytes(std::span(said))) == Step::done);
    }
    REQUIRE(hand_over(*pair.client, *pair.server));
    std::array<std::byte, 100> plaintext{};
    return pair.server->open(plaintext);
}

TEST_CASE("engine: a peer may change its keys often, but not without end and for nothing",
          "[tls][engine]") {
    const tests::Engines pair(TLS1_3_VERSION);
    for (int times = 0; times < 3; ++times) {
        CHECK(opened_after(pair, 30, "hello").octets == 5);
    }
    CHECK(opened_after(pair, 30, {}).step == Step::wants_input);
    CHECK(opened_after(pair, 30, "too late").step == Step::failed);
    CHECK(pair.server->error(Phase::receive).code == Errc::limit_exceeded);
}

}  // namespace
}  // namespace sluice
