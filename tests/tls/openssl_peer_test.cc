// What an Engine is for an OpenSSL at the other end, once they have shaken hands: of TLS 1.3, where
// nothing but Records stands for it.

#include "sluice/tests/tls/openssl_peer.h"

#include "sluice/tls/record_cipher.h"
#include "sluice/tls/session_cache.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::EngineAndPeer;
using tests::OpensslPeer;
using tls::Engine;
using tls::Step;
using Role = OpensslPeer::Role;

constexpr std::array roles{Role::client, Role::server};
constexpr std::array suites{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                            "TLS_CHACHA20_POLY1305_SHA256"};

std::string pattern(std::size_t size) {
    std::string octets(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        octets[index] = static_cast<char>(index * 7 + index / 251);
    }
    return octets;
}

void say(Engine& engine, std::string_view octets) {
    while (!octets.empty()) {
        const std::string_view piece = octets.substr(0, Engine::record_octets_max);
        REQUIRE(engine.seal(std::as_bytes(std::span(piece))) == Step::done);
        octets.remove_prefix(piece.size());
    }
}

// Both ways, so that each has read what the other wrote.
void converse(EngineAndPeer& pair, std::size_t size) {
    const std::string octets = pattern(size);
    say(*pair.engine, octets);
    pair.hand_to_peer();
    CHECK(bool(pair.peer.read().octets == octets));
    pair.peer.write(octets);
    pair.hand_to_engine();
    const EngineAndPeer::Opened opened = pair.open();
    CHECK(bool(opened.octets == octets));
    CHECK(opened.step == Step::wants_input);
}

// With each role of the peer's, and each suite.
void for_each_pair(const std::function<void(EngineAndPeer&)>& check) {
    for (const Role role : roles) {
        for (const char* const suite : suites) {
            CAPTURE(role == Role::server, suite);
            EngineAndPeer pair(role, TLS1_3_VERSION, suite);
            CHECK(std::string_view(pair.engine->facts().suite) == suite);
            check(pair);
        }
    }
}

TEST_CASE("openssl peer: reads what an engine says, and is read", "[tls][engine][openssl]") {
    for_each_pair([](EngineAndPeer& pair) {
        for (const std::size_t size : {1U, 15U, 16U, 1300U, 16'384U, 16'385U, 300'000U}) {
            converse(pair, size);
        }
    });
}

TEST_CASE("openssl peer: may pad its records, and cut them small", "[tls][engine][openssl]") {
    for_each_pair([](EngineAndPeer& pair) {
        REQUIRE(SSL_set_block_padding(pair.peer.ssl(), 4096) == 1);
        converse(pair, 50'000);
        REQUIRE(SSL_set_max_send_fragment(pair.peer.ssl(), 512) == 1);
        converse(pair, 50'000);
    });
}

TEST_CASE("openssl peer: may change its keys, and have ours changed, and both go on",
          "[tls][engine][openssl][rfc8446-4.6.3]") {
    for_each_pair([](EngineAndPeer& pair) {
        for (const int update : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED,
                                 SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED}) {
            pair.peer.write("before");
            pair.peer.change_keys(update);
            pair.peer.write("and behind");
            REQUIRE(pair.hand_to_engine());
            CHECK(pair.open().octets == "beforeand behind");
            converse(pair, 20'000);
        }
    });
}

// A peer that changes its keys so many times, and then may say something.
EngineAndPeer::Opened opened_after(EngineAndPeer& pair, int updates, std::string_view said) {
    for (int count = 0; count < updates; ++count) {
        pair.peer.change_keys(SSL_KEY_UPDATE_NOT_REQUESTED);
    }
    if (!said.empty()) {
        pair.peer.write(said);
    }
    REQUIRE(pair.hand_to_engine());
    return pair.open();
}

TEST_CASE("openssl peer: may change its keys often, but not without end and for nothing",
          "[tls][engine][openssl]") {
    EngineAndPeer pair(Role::client, TLS1_3_VERSION);
    for (int times = 0; times < 3; ++times) {
        CHECK(opened_after(pair, 30, "hello").octets == "hello");
    }
    CHECK(opened_after(pair, 30, {}).step == Step::wants_input);
    CHECK(opened_after(pair, 30, "too late").step == Step::failed);
    CHECK(pair.engine->error(Phase::receive).code == Errc::limit_exceeded);
}

TEST_CASE("openssl peer: says goodbye, hears it, and may go on speaking between",
          "[tls][engine][openssl]") {
    for_each_pair([](EngineAndPeer& pair) {
        pair.engine->say_goodbye();
        pair.hand_to_peer();
        CHECK(pair.peer.read().end == SSL_ERROR_ZERO_RETURN);
        pair.peer.write("late");
        CHECK(SSL_shutdown(pair.peer.ssl()) == 1);
        REQUIRE(pair.hand_to_engine());
        const EngineAndPeer::Opened opened = pair.open();
        CHECK(opened.octets == "late");
        CHECK(opened.step == Step::ended);
        CHECK(pair.engine->heard_goodbye());
    });
    for_each_pair([](EngineAndPeer& pair) {
        CHECK(SSL_shutdown(pair.peer.ssl()) == 0);
        REQUIRE(pair.hand_to_engine());
        CHECK(pair.engine->look_ahead() == Step::ended);
        CHECK(pair.open().step == Step::ended);
        say(*pair.engine, "late");
        pair.engine->say_goodbye();
        CHECK(pair.engine->seal({}) == Step::ended);
        pair.hand_to_peer();
        const OpensslPeer::Read heard = pair.peer.read();
        CHECK(heard.octets == "late");
        CHECK(heard.end == SSL_ERROR_ZERO_RETURN);
    });
}

TEST_CASE("openssl peer: is looked at ahead, and nothing is lost by it", "[tls][engine][openssl]") {
    for_each_pair([](EngineAndPeer& pair) {
        pair.peer.change_keys(SSL_KEY_UPDATE_NOT_REQUESTED);
        pair.peer.write(pattern(40'000));
        REQUIRE(pair.hand_to_engine());
        CHECK(pair.engine->look_ahead() == Step::done);
        CHECK(pair.engine->look_ahead() == Step::done);
        CHECK_FALSE(pair.engine->is_hungry());
        CHECK(bool(pair.open().octets == pattern(40'000)));
        CHECK(pair.engine->is_hungry());
        CHECK(pair.engine->look_ahead() == Step::wants_input);
    });
}

TEST_CASE("openssl peer: hears why it is refused", "[tls][engine][openssl]") {
    for_each_pair([](EngineAndPeer& pair) {
        pair.peer.write(pattern(100));
        std::string record = pair.peer.take();
        record[50] ^= 1;
        pair.engine->feed(tests::lent(std::as_bytes(std::span(record))));
        CHECK(pair.open().step == Step::failed);
        const Error error = pair.engine->error(Phase::receive);
        CHECK(error.code == Errc::alert_sent);
        CHECK(static_cast<Alert>(error.tls) == Alert::bad_record_mac);
        CHECK(pair.engine->seal({}) == Step::failed);
        pair.hand_to_peer();
        const OpensslPeer::Read heard = pair.peer.read();
        CHECK(heard.end == SSL_ERROR_SSL);
        CHECK(heard.reason == SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    });
}

TEST_CASE("openssl peer: its alert is the cause that is told", "[tls][engine][openssl]") {
    for_each_pair([](EngineAndPeer& pair) {
        say(*pair.engine, "hello");
        const tls::Output said = pair.engine->take_output();
        said.octets().back() ^= std::byte{1};
        pair.peer.feed(said.octets());
        CHECK(pair.peer.read().end == SSL_ERROR_SSL);
        REQUIRE(pair.hand_to_engine());
        CHECK(pair.open().step == Step::failed);
        const Error error = pair.engine->error(Phase::receive);
        CHECK(error.code == Errc::alert_received);
        CHECK(static_cast<Alert>(error.tls) == Alert::bad_record_mac);
        CHECK(pair.engine->take_output().empty());
    });
}

TEST_CASE("openssl peer: a client keeps its tickets until its first plaintext, and no longer",
          "[tls][engine][openssl]") {
    const auto kept = std::make_shared<tls::SessionCache>(10);
    EngineAndPeer pair(Role::server, TLS1_3_VERSION, nullptr, kept);
    CHECK(kept->origins() == 0);
    pair.peer.write("behind the tickets");
    REQUIRE(pair.hand_to_engine());
    CHECK(pair.open().octets == "behind the tickets");
    CHECK(kept->origins() == 1);
    CHECK(pair.engine->ssl() == nullptr);
    // One that comes later does no harm.
    REQUIRE(SSL_new_session_ticket(pair.peer.ssl()) == 1);
    pair.peer.write("behind another");
    REQUIRE(pair.hand_to_engine());
    CHECK(pair.open().octets == "behind another");
    int sessions = 0;
    while (kept->take("server.example:443", Instant()).session != nullptr) {
        ++sessions;
    }
    CHECK(sessions == 2);
}

TEST_CASE("openssl peer: tickets that are cut anywhere are kept, too", "[tls][engine][openssl]") {
    for (const std::size_t at : {1U, 4U, 5U, 6U, 100U, 250U}) {
        const auto kept = std::make_shared<tls::SessionCache>(10);
        EngineAndPeer pair(Role::server, TLS1_3_VERSION, nullptr, kept);
        const std::string said = pair.peer.take();
        for (const std::string_view piece :
             {std::string_view(said).substr(0, at), std::string_view(said).substr(at)}) {
            pair.engine->feed(tests::lent(std::as_bytes(std::span(piece))));
            CHECK(pair.open().step == Step::wants_input);
        }
        CHECK(kept->origins() == 1);
        CHECK(pair.engine->output().empty());
        converse(pair, 100);
    }
}

TEST_CASE("openssl peer: a ticket that OpenSSL cannot read is refused, once",
          "[tls][engine][openssl]") {
    for (const bool kernel_seals : {false, true}) {
        CAPTURE(kernel_seals);
        const auto kept = std::make_shared<tls::SessionCache>(10);
        EngineAndPeer pair(Role::server, TLS1_3_VERSION, suites.front(), kept);
        if (kernel_seals) {
            REQUIRE(pair.engine->take_sealing_keys());
            pair.engine->stop_sealing();
        }
        tls::RecordCipher sealing(tls::RecordCipher::Use::seal,
                                  *tls::RecordSuite::find(SSL_get_current_cipher(pair.peer.ssl())),
                                  tls::TrafficSecret::of_key_log(pair.peer.secret_of_server()), 0);
        constexpr std::array ticket{std::byte{4}, std::byte{0}, std::byte{0},
                                    std::byte{2}, std::byte{0}, std::byte{0}};
        std::array<std::byte, ticket.size() + tls::RecordCipher::overhead_octets> record{};
        sealing.seal(SSL3_RT_HANDSHAKE, ticket, record);
        pair.engine->feed(tests::lent(record));
        CHECK(pair.open().step == Step::failed);
        const Error error = pair.engine->error(Phase::receive);
        CHECK(error.code == Errc::alert_sent);
        CHECK(static_cast<Alert>(error.tls) == Alert::decode_error);
        const std::size_t around = kernel_seals ? 0 : tls::RecordCipher::overhead_octets;
        CHECK(pair.engine->output().size() == 2 + around);
        CHECK(kept->origins() == 0);
    }
}

TEST_CASE("openssl peer: leaves an engine that has no use for its tickets without an SSL",
          "[tls][engine][openssl]") {
    for_each_pair([](EngineAndPeer& pair) {
        CHECK(pair.engine->ssl() == nullptr);
        CHECK(pair.engine->is_secured());
        CHECK(pair.engine->facts().version == TlsVersion::tls_1_3);
    });
}

}  // namespace
}  // namespace sluice
