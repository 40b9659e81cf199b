#include "sluice/tls/context.h"

#include "sluice/runtime/ensure.h"
#include "sluice/tls/context_common.h"
#include "sluice/tls/engine.h"
#include "sluice/tls/ocsp.h"
#include "sluice/tls/openssl_objects.h"

#include <openssl/x509v3.h>

#include <cstdlib>
#include <utility>

namespace sluice::tls {

namespace {

// Takes the session over, which says so by its result.
int keep_session(SSL* ssl, SSL_SESSION* session) {
    Engine::of(ssl).offered(OwnedSession(session));
    return 1;
}

// Where OpenSSL looks for them.
std::string system_roots() {
    const char* const file = ::secure_getenv(X509_get_default_cert_file_env());
    const char* const directory = ::secure_getenv(X509_get_default_cert_dir_env());
    return "the system's roots (" + (file != nullptr ? std::string(file) + ", " : "") +
           (directory != nullptr ? directory : X509_get_default_cert_dir()) + ")";
}

// After the chain: what the server stapled to it, or did not.
int check_staple(SSL* ssl, void* required) {
    std::optional<StapleFlaw> found = flaw_by_staple(ssl, required != nullptr);
    if (found) {
        Engine::of(ssl).distrust(found->flaw, std::move(found->why));
    }
    return found ? 0 : 1;
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
    state->context = make_context(TLS_client_method(), options.version_min, options.kernel_tls);
    state->verifies = !options.insecure_skip_verification;
    SSL_CTX* const context = state->context.get();
    Loaded loaded;
    if (options.trust_file.empty()) {
        SSL_CTX_set_default_verify_paths(context);
        ERR_clear_error();
        state->store = system_roots();
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
    if (state->verifies) {
        SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
        SSL_CTX_set_tlsext_status_cb(context, check_staple);
        SSL_CTX_set_tlsext_status_arg(context, options.require_ocsp_staple ? context : nullptr);
    }
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

}  // namespace sluice::tls
