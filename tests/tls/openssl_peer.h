// OpensslPeer: the other end of an Engine, by OpenSSL alone: its SSL over two stores of octets.

#pragma once

#include "sluice/tests/catch.h"
#include "sluice/tests/tls/ends.h"
#include "sluice/tests/tls/engines.h"
#include "sluice/tls/engine.h"
#include "sluice/tls/openssl_objects.h"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::tests {

class OpensslPeer {
public:
    enum class Role : bool { client, server };

    OpensslPeer(Role role, int version, const char* suites = nullptr)
        : context_(SSL_CTX_new(TLS_method())) {
        const auto& files = House::instance().server.files;
        SSL_CTX* const context = context_.get();
        REQUIRE(SSL_CTX_use_certificate_chain_file(context, files.certificate_file.c_str()) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM) ==
                1);
        if (suites != nullptr) {
            REQUIRE(SSL_CTX_set_ciphersuites(context, suites) == 1);
        }
        SSL_CTX_set_keylog_callback(context, note_secret);
        ssl_.reset(SSL_new(context));
        SSL_set_app_data(ssl(), this);
        SSL_set_max_proto_version(ssl(), version);
        SSL_set_bio(ssl(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (role == Role::client) {
            SSL_set_connect_state(ssl());
        } else {
            SSL_set_accept_state(ssl());
        }
    }

    OpensslPeer(OpensslPeer&&) = delete;
    ~OpensslPeer() = default;

    [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }

    // What a server seals its plaintext by, as the key log has it.
    [[nodiscard]] const std::string& secret_of_server() const noexcept { return secret_; }

    void feed(std::span<const std::byte> octets) {
        if (!octets.empty()) {
            const int size = static_cast<int>(octets.size());
            REQUIRE(BIO_write(SSL_get_rbio(ssl()), octets.data(), size) == size);
        }
    }
    // What it has to say.
    [[nodiscard]] std::string take() {
        BIO* const said = SSL_get_wbio(ssl());
        std::string octets(BIO_ctrl_pending(said), '\0');
        if (!octets.empty()) {
            REQUIRE(BIO_read(said, octets.data(), static_cast<int>(octets.size())) > 0);
        }
        return octets;
    }

    void write(std::string_view octets) {
        std::size_t written = 0;
        REQUIRE(SSL_write_ex(ssl(), octets.data(), octets.size(), &written) == 1);
    }
    // The plaintext that has come, and why there is no more: SSL_get_error(3) and its reason.
    struct Read {
        std::string octets;
        int end;
        int reason;
    };
    [[nodiscard]] Read read() {
        Read result{};
        std::array<char, 4096> piece;
        std::size_t octets = 0;
        ERR_clear_error();
        int returned = SSL_read_ex(ssl(), piece.data(), piece.size(), &octets);
        while (returned == 1) {
            result.octets.append(piece.data(), octets);
            returned = SSL_read_ex(ssl(), piece.data(), piece.size(), &octets);
        }
        result.end = SSL_get_error(ssl(), returned);
        result.reason = ERR_GET_REASON(tls::take_openssl_error());
        return result;
    }
    void change_keys(int update) {
        REQUIRE(SSL_key_update(ssl(), update) == 1);
        REQUIRE(SSL_do_handshake(ssl()) == 1);
    }

private:
    static void note_secret(const SSL* ssl, const char* line) {
        if (std::string_view(line).starts_with("SERVER_TRAFFIC_SECRET_0 ")) {
            static_cast<OpensslPeer*>(SSL_get_app_data(ssl))->secret_ = line;
        }
    }

    tls::OwnedContext context_;
    tls::OwnedSsl ssl_;
    std::string secret_;
};

// An Engine and such a peer, which have shaken hands; a server's tickets are still to be handed
// over. `kept`: where a client's sessions go.
struct EngineAndPeer {
    EngineAndPeer(OpensslPeer::Role peer_role, int version, const char* suites = nullptr,
                  const std::shared_ptr<tls::SessionCache>& kept = nullptr)
        : peer(peer_role, version, suites), engine(make(peer_role, kept)) {
        tls::Step step = engine->handshake();
        int peer_done = 0;
        while (step != tls::Step::done || peer_done != 1) {
            REQUIRE(step != tls::Step::failed);
            hand_to_peer();
            peer_done = SSL_do_handshake(peer.ssl());
            if (step != tls::Step::done && hand_to_engine()) {
                step = engine->handshake();
            }
        }
    }

    void hand_to_peer() {
        const tls::Output said = engine->take_output();
        peer.feed(said.octets());
    }
    bool hand_to_engine() {
        const std::string said = peer.take();
        if (!said.empty()) {
            engine->feed(lent(std::as_bytes(std::span(said))));
        }
        return !said.empty();
    }
    // All the plaintext that there is for the engine.
    struct Opened {
        std::string octets;
        tls::Step step;
    };
    [[nodiscard]] Opened open() {
        Opened opened{{}, tls::Step::wants_input};
        std::array<std::byte, 1000> into{};
        do {
            const tls::Engine::Opened piece = engine->open(into);
            opened.step = piece.step;
            opened.octets.append(reinterpret_cast<const char*>(into.data()), piece.octets);
        } while (opened.step == tls::Step::done);
        return opened;
    }

    OpensslPeer peer;
    std::unique_ptr<tls::Engine> engine;

private:
    static std::unique_ptr<tls::Engine> make(OpensslPeer::Role peer_role,
                                             const std::shared_ptr<tls::SessionCache>& kept) {
        const House& house = House::instance();
        const bool is_server = peer_role == OpensslPeer::Role::client;
        tls::OwnedSsl ssl(SSL_new(is_server ? house.server_context.native().get()
                                            : house.client_context.native()));
        if (is_server) {
            SSL_set_accept_state(ssl.get());
        } else {
            SSL_set_connect_state(ssl.get());
            SSL_set1_host(ssl.get(), "server.example");
        }
        auto engine = std::make_unique<tls::Engine>(std::move(ssl));
        if (kept != nullptr) {
            engine->keep_sessions(kept, "server.example:443",
                                  kept->take("server.example:443", Instant()), Instant());
        }
        return engine;
    }
};

}  // namespace sluice::tests
