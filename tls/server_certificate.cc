#include "sluice/tls/server_certificate.h"

#include "sluice/runtime/ensure.h"
#include "sluice/tls/context_files.h"
#include "sluice/tls/ocsp.h"
#include "sluice/tls/openssl_objects.h"

#include <ctime>
#include <utility>

namespace sluice::tls {

// Whether OpenSSL's policy takes a certificate, only a context can say: it keeps it, too.
struct ServerCertificate::State {
    OwnedContext holder;
    Staple staple;
};

ServerCertificate::ServerCertificate(std::shared_ptr<const State> state) noexcept
    : state_(std::move(state)) {}

std::expected<ServerCertificate, ContextError> ServerCertificate::load(const Identity& identity) {
    auto state = std::make_shared<State>();
    state->holder.reset(SSL_CTX_new(TLS_server_method()));
    ensure(state->holder != nullptr);
    demand_strength(state->holder.get());
    const Loaded loaded = load_identity(state->holder.get(), identity);
    if (!loaded) {
        return std::unexpected(loaded.error());
    }
    std::expected<Staple, ContextError> staple =
        load_staple(identity, *SSL_CTX_get0_certificate(state->holder.get()));
    if (!staple) {
        return std::unexpected(staple.error());
    }
    state->staple = std::move(*staple);
    return ServerCertificate(std::move(state));
}

namespace {

STACK_OF(X509) * issuers_of(SSL_CTX* holder) noexcept {
    STACK_OF(X509)* issuers = nullptr;
    SSL_CTX_get0_chain_certs(holder, static_cast<void*>(&issuers));
    return issuers;
}

}  // namespace

bool ServerCertificate::show_by(ssl_ctx_st* context) const noexcept {
    SSL_CTX* const holder = state_->holder.get();
    return SSL_CTX_use_cert_and_key(context, SSL_CTX_get0_certificate(holder),
                                    SSL_CTX_get0_privatekey(holder), issuers_of(holder), 1) == 1;
}

bool ServerCertificate::show_by(ssl_st* ssl) const noexcept {
    SSL_CTX* const holder = state_->holder.get();
    X509* const certificate = SSL_CTX_get0_certificate(holder);
    if (SSL_get_certificate(ssl) != certificate) {
        // One with a key of another kind would stay beside it, and might be shown instead.
        SSL_certs_clear(ssl);
        if (SSL_use_cert_and_key(ssl, certificate, SSL_CTX_get0_privatekey(holder),
                                 issuers_of(holder), 1) != 1) {
            return false;
        }
    }
    const Staple& staple = state_->staple;
    if (!staple.response.empty() && staple.valid_until > std::time(nullptr)) {
        const std::size_t octets = staple.response.size();
        void* const copy = OPENSSL_memdup(staple.response.data(), octets);
        ensure(copy != nullptr);
        SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(octets));
    }
    return true;
}

}  // namespace sluice::tls
