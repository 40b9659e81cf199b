#include "sluice/tls/engine.h"

#include "sluice/runtime/sealing_keys.h"
#include "sluice/tests/tls/engines.h"
#include "sluice/tests/tls/openssl_peer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::EngineAndPeer;
using tests::hand_over;
using tls::Engine;
using tls::Step;
using Role = tests::OpensslPeer::Role;

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

std::uint64_t number_of(std::span<const std::byte> octets) {
    std::uint64_t number = 0;
    for (const std::byte each : octets.first(8)) {
        number = number * 256 + std::to_integer<std::uint64_t>(each);
    }
    return number;
}

TEST_CASE("engine: keys that it gives away go on behind the nonces that it has used",
          "[tls][engine][kernel]") {
    const tests::Engines pair(TLS1_2_VERSION);
    CHECK(pair.server->seal(std::as_bytes(std::span("hello"))) == Step::done);
    constexpr std::size_t header_octets = 5;
    const tls::Output record = pair.server->take_output();
    const std::uint64_t used = number_of(record.octets().subspan(header_octets));
    const std::optional<SealingKeys> keys = pair.server->take_sealing_keys();
    REQUIRE(keys);
    CHECK(keys->next_record() == 2);  // The server's Finished was the first.
    CHECK(number_of(keys->crypto_info().subspan(4)) == used + 1);
    CHECK_FALSE(pair.server->take_sealing_keys());
}

EngineAndPeer::Opened opened_after_update(EngineAndPeer& pair, int update) {
    pair.peer.change_keys(update);
    pair.peer.write("hello");
    REQUIRE(pair.hand_to_engine());
    return pair.open();
}

TEST_CASE("engine: whose kernel seals tells a peer that demands other keys that it cannot",
          "[tls][engine][kernel]") {
    for (const bool is_demanded : {true, false}) {
        CAPTURE(is_demanded);
        EngineAndPeer pair(Role::client, TLS1_3_VERSION);
        pair.hand_to_peer();
        REQUIRE(pair.engine->take_sealing_keys());
        pair.engine->stop_sealing();
        const EngineAndPeer::Opened opened = opened_after_update(
            pair, is_demanded ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        CHECK(opened.octets == (is_demanded ? "" : "hello"));
        CHECK(opened.step == (is_demanded ? Step::failed : Step::wants_input));
        const tls::Output said = pair.engine->take_output();
        CHECK(said.empty() == !is_demanded);
        if (is_demanded) {
            const Error error = pair.engine->error(Phase::receive);
            CHECK(error.code == Errc::alert_sent);
            CHECK(static_cast<Alert>(error.tls) == Alert::internal_error);
            REQUIRE(said.size() == 2);
            CHECK(said.octets().front() == std::byte{SSL3_AL_FATAL});
            CHECK(said.octets().back() == std::byte{SSL_AD_INTERNAL_ERROR});
        }
    }
}

TEST_CASE("engine: it gives away no keys that it has changed, or is to change",
          "[tls][engine][kernel]") {
    for (const bool has_answered : {false, true}) {
        CAPTURE(has_answered);
        EngineAndPeer pair(Role::client, TLS1_3_VERSION);
        CHECK(opened_after_update(pair, SSL_KEY_UPDATE_REQUESTED).octets == "hello");
        if (has_answered) {
            CHECK(pair.engine->seal(std::as_bytes(std::span("hello"))) == Step::done);
        }
        CHECK_FALSE(pair.engine->take_sealing_keys());
    }
}

TEST_CASE("engine: gives away no keys once it has failed, or said that it will say no more",
          "[tls][engine][kernel_tls]") {
    const tests::Engines failing(TLS1_3_VERSION);
    static_cast<void>(failing.server->take_output());
    std::array<std::byte, 100> garbage{};
    failing.server->feed(tests::lent(garbage));
    std::array<std::byte, 100> plaintext{};
    REQUIRE(failing.server->open(plaintext).step == Step::failed);
    CHECK_FALSE(failing.server->take_sealing_keys().has_value());

    const tests::Engines leaving(TLS1_3_VERSION);
    leaving.server->say_goodbye();
    CHECK_FALSE(leaving.server->take_sealing_keys().has_value());

    const tests::Engines talking(TLS1_3_VERSION);
    CHECK(talking.server->take_sealing_keys().has_value());
}

}  // namespace
}  // namespace sluice
