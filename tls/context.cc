#include "sluice/tls/context.h"

#include "sluice/runtime/ensure.h"
#include "sluice/tls/context_files.h"
#include "sluice/tls/engine.h"
#include "sluice/tls/openssl_objects.h"
#include "sluice/tls/peer_certificate.h"

#include <openssl/x509v3.h>

#include <cstring>
#include <utility>
#include <vector>

namespace sluice::tls {

namespace {

using Kind = ContextError::Kind;

std::unexpected<ContextError> incomplete(std::string reason) {
    return std::unexpected(ContextError{Kind::incomplete, {}, std::move(reason)});
}

// As ALPN has it: each name behind its length.
std::expected<std::string, ContextError> listed(const std::vector<std::string>& protocols) {
    std::string list;
    for (const std::string& each : protocols) {
        if (each.empty() || each.size() > 255) {
            return incomplete("a protocol's name has 1 to 255 octets");
        }
        list += static_cast<char>(each.size());
        list += each;
    }
    return list;
}

// NOLINTNEXTLINE(readability-function-size): how many arguments it takes, OpenSSL says.
void close_key_log(void*, void* log, CRYPTO_EX_DATA*, int, long, void*) {
    BIO_free(static_cast<BIO*>(log));
}

// Where a context keeps its key log, which goes with it.
int key_log_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, close_key_log);
    return index;
}

void write_key(const SSL* ssl, const char* line) {
    auto* const log = static_cast<BIO*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), key_log_index()));
    if (log != nullptr) {
        const std::string text = std::string(line) + "\n";
        BIO_write(log, text.data(), static_cast<int>(text.size()));
        static_cast<void>(BIO_flush(log));
    }
}

// What is the same on both sides.
OwnedContext make_context(const SSL_METHOD* method, TlsVersion version_min) {
    OwnedContext context(SSL_CTX_new(method));
    ensure(context != nullptr);
    SSL_CTX* const made = context.get();
    const int oldest = version_min == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    ensure(SSL_CTX_set_min_proto_version(made, oldest) == 1);
    ensure(SSL_CTX_set_max_proto_version(made, TLS1_3_VERSION) == 1);
    ensure(SSL_CTX_set_cipher_list(made, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
    ensure(SSL_CTX_set1_groups_list(made, "X25519:P-256:P-384") == 1);
    SSL_CTX_set_options(made, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // An idle connection gives its buffers back; what is to be sealed may lie anywhere.
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    return context;
}

Loaded log_keys(SSL_CTX* context, const std::string& file) {
    if (file.empty()) {
        return {};
    }
    OwnedBio log(BIO_new_file(file.c_str(), "a"));
    if (log == nullptr) {
        ERR_clear_error();
        return std::unexpected(ContextError{Kind::unreadable, file, "it cannot be written"});
    }
    ensure(SSL_CTX_set_ex_data(context, key_log_index(), log.release()) == 1);
    SSL_CTX_set_keylog_callback(context, write_key);
    return {};
}

// Remembers what was wrong, for the error; the first flaw decides.
int verified(int is_good, X509_STORE_CTX* verification) {
    if (is_good == 0) {
        const auto* const ssl = static_cast<const SSL*>(
            X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
        const int error = X509_STORE_CTX_get_error(verification);
        std::string why = X509_verify_cert_error_string(error);
        if (const X509* const culprit = X509_STORE_CTX_get_current_cert(verification)) {
            why += ": " + subject_of(*culprit);
            for (const std::string& name : names_of(*culprit)) {
                why += ", " + name;
            }
            why += " at depth " + std::to_string(X509_STORE_CTX_get_error_depth(verification));
        }
        Engine::of(ssl).distrust(flaw_of(error), std::move(why));
    }
    return is_good;
}

// Takes the session over, which says so by its result.
int keep_session(SSL* ssl, SSL_SESSION* session) {
    Engine::of(ssl).offered(OwnedSession(session));
    return 1;
}

// NOLINTNEXTLINE(readability-function-size): the same.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_octets,
                    const unsigned char* offered, unsigned offered_octets, void* ours) {
    const std::string& list = *static_cast<const std::string*>(ours);
    const auto* const known = reinterpret_cast<const unsigned char*>(list.data());
    unsigned char* found = nullptr;
    const int result = SSL_select_next_proto(
        &found, chosen_octets, known, static_cast<unsigned>(list.size()), offered, offered_octets);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

struct ClientContext::State {
    OwnedContext context;
    std::string store;
    bool verifies = true;
};

ClientContext::ClientContext(std::shared_ptr<const State> state) noexcept
    : state_(std::move(state)) {}

std::expected<ClientContext, ContextError> ClientContext::create(const ClientOptions& options) {
    auto state = std::make_shared<State>();
    state->context = make_context(TLS_client_method(), options.version_min);
    state->verifies = !options.insecure_skip_verification;
    SSL_CTX* const context = state->context.get();
    Loaded loaded;
    if (options.trust_file.empty()) {
        SSL_CTX_set_default_verify_paths(context);
        ERR_clear_error();
        state->store = std::string("the system's roots (") + X509_get_default_cert_dir() + ")";
    } else {
        loaded = load_roots(context, options.trust_file);
        state->store = options.trust_file;
    }
    const Identity& identity = options.identity;
    if (loaded && !(identity.certificate_file.empty() && identity.key_file.empty())) {
        loaded = load_identity(context, identity);
    }
    if (loaded) {
        loaded = log_keys(context, options.key_log_file);
    }
    const std::expected<std::string, ContextError> protocols = listed(options.protocols);
    if (!loaded || !protocols) {
        return std::unexpected(loaded ? protocols.error() : loaded.error());
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    const auto* const list = reinterpret_cast<const unsigned char*>(protocols->data());
    ensure(SSL_CTX_set_alpn_protos(context, list, static_cast<unsigned>(protocols->size())) == 0);
    SSL_CTX_set_verify(context, state->verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       state->verifies ? verified : nullptr);
    X509_VERIFY_PARAM_set_hostflags(
        SSL_CTX_get0_param(context),
        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return ClientContext(std::move(state));
}

const std::string& ClientContext::store() const noexcept {
    return state_->store;
}

bool ClientContext::verifies() const noexcept {
    return state_->verifies;
}

SSL_CTX* ClientContext::native() const noexcept {
    return state_->context.get();
}

struct ServerContext::State {
    OwnedContext context;
    std::string protocols;
};

ServerContext::ServerContext(std::shared_ptr<const State> state) noexcept
    : state_(std::move(state)) {}

std::expected<ServerContext, ContextError> ServerContext::create(const ServerOptions& options) {
    auto state = std::make_shared<State>();
    state->context = make_context(TLS_server_method(), options.version_min);
    SSL_CTX* const context = state->context.get();
    Loaded loaded = load_identity(context, options.identity);
    const bool asks = options.client_certificate != ClientCertificate::ignored;
    if (loaded && asks && options.client_trust_file.empty()) {
        return incomplete("nobody vouches for clients: client_trust_file is empty");
    }
    if (loaded && asks) {
        loaded = load_roots(context, options.client_trust_file);
    }
    if (loaded && asks) {
        SSL_CTX_set_client_CA_list(context,
                                   SSL_load_client_CA_file(options.client_trust_file.c_str()));
        const bool must = options.client_certificate == ClientCertificate::required;
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           verified);
    }
    if (loaded) {
        loaded = log_keys(context, options.key_log_file);
    }
    const std::expected<std::string, ContextError> protocols = listed(options.protocols);
    if (!loaded || !protocols) {
        return std::unexpected(loaded ? protocols.error() : loaded.error());
    }
    state->protocols = *protocols;
    if (!state->protocols.empty()) {
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, &state->protocols);
    }
    // A session belongs to those who ask the same of their clients; a ticket's key is the context's
    // own, so others cannot read it in any case.
    static constexpr unsigned char session_id[] = "sluice";
    ensure(SSL_CTX_set_session_id_context(context, session_id, sizeof session_id) == 1);
    return ServerContext(std::move(state));
}

SSL_CTX* ServerContext::native() const noexcept {
    return state_->context.get();
}

}  // namespace sluice::tls
