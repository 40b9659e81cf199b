#include "sluice/tests/tls/record_ledger.h"

#include "sluice/tests/tls/openssl_peer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::OpensslPeer;
using tests::RecordLedger;
using Role = OpensslPeer::Role;

// Two OpenSSLs, and a ledger that is given what they say in pieces of seven octets.
class Overheard {
public:
    explicit Overheard(const char* suite)
        : client_(Role::client, TLS1_3_VERSION, suite),
          server_(Role::server, TLS1_3_VERSION, suite) {
        ledger_.hear(SSL_get_SSL_CTX(client_.ssl()));
        ledger_.hear(SSL_get_SSL_CTX(server_.ssl()));
        for (int turns = 0; turns < 4; ++turns) {
            SSL_do_handshake(client_.ssl());
            SSL_do_handshake(server_.ssl());
            hand_over();
        }
        REQUIRE(SSL_is_init_finished(client_.ssl()) == 1);
        REQUIRE(SSL_is_init_finished(server_.ssl()) == 1);
    }

    void hand_over() {
        hand_over(client_, server_, false);
        hand_over(server_, client_, true);
    }

    [[nodiscard]] OpensslPeer& end(bool by_server) { return by_server ? server_ : client_; }
    // Of one end, so many octets before the end of all that it has said.
    [[nodiscard]] std::uint64_t plaintext(bool by_server, std::uint64_t octets_before = 0) const {
        return ledger_.plaintext_within(opening_, by_server, said(by_server) - octets_before);
    }
    [[nodiscard]] bool has_ended(bool by_server) const {
        return ledger_.goodbye_end(opening_, by_server) == said(by_server);
    }

private:
    void hand_over(OpensslPeer& from, OpensslPeer& to, bool by_server) {
        const std::string octets = from.take();
        to.feed(std::as_bytes(std::span(octets)));
        if (opening_.empty()) {
            opening_ = octets.substr(0, RecordLedger::opening_octets);
        }
        constexpr std::size_t piece_octets = 7;
        for (std::size_t at = 0; at < octets.size(); at += piece_octets) {
            const std::string_view piece = std::string_view(octets).substr(at, piece_octets);
            ledger_.given(opening_, by_server, std::as_bytes(std::span(piece)));
        }
        said_[by_server ? 1 : 0] += octets.size();
    }

    [[nodiscard]] std::uint64_t said(bool by_server) const { return said_[by_server ? 1 : 0]; }

    RecordLedger ledger_;
    OpensslPeer client_;
    OpensslPeer server_;
    std::string opening_;
    std::array<std::uint64_t, 2> said_{};
};

TEST_CASE("record ledger: knows the plaintext and the goodbye of either end, by the wire alone",
          "[tls][simulation]") {
    for (const char* const suite :
         {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
        for (const bool by_server : {false, true}) {
            CAPTURE(suite, by_server);
            Overheard heard(suite);
            OpensslPeer& end = heard.end(by_server);
            CHECK(heard.plaintext(false) == 0);
            CHECK(heard.plaintext(true) == 0);  // Behind its tickets.
            end.write(std::string(1000, 'x'));
            heard.hand_over();
            CHECK(heard.plaintext(by_server) == 1000);
            CHECK(heard.plaintext(by_server, 1) == 0);
            REQUIRE(SSL_set_block_padding(end.ssl(), 4096) == 1);
            end.write(std::string(20'000, 'y'));
            heard.hand_over();
            CHECK(heard.plaintext(by_server) == 21'000);
            CHECK(heard.plaintext(!by_server) == 0);
            CHECK_FALSE(heard.has_ended(by_server));
            SSL_shutdown(end.ssl());
            heard.hand_over();
            CHECK(heard.has_ended(by_server));
            CHECK(heard.plaintext(by_server) == 21'000);
            CHECK_FALSE(heard.has_ended(!by_server));
        }
    }
}

}  // namespace
}  // namespace sluice
