#include "sluice/tls/context_files.h"

#include <openssl/pem.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::tls {

namespace {

using Kind = ContextError::Kind;

std::unexpected<ContextError> failed(Kind kind, const std::string& file, std::string reason) {
    return std::unexpected(ContextError{kind, file, std::move(reason)});
}

std::unexpected<ContextError> refused_by_openssl(const std::string& file) {
    return failed(Kind::refused, file, openssl_reason(take_openssl_error()));
}

std::expected<OwnedBio, ContextError> open(const std::string& file) {
    errno = 0;
    OwnedBio opened(BIO_new_file(file.c_str(), "r"));
    const int error = errno;
    ERR_clear_error();
    if (opened == nullptr) {
        return failed(Kind::unreadable, file, std::strerror(error));
    }
    return opened;
}

// Nobody is asked for a password: a server has no terminal.
int no_password(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

bool no_more_in_file(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

Loaded load_chain(SSL_CTX* context, const std::string& file) {
    const std::expected<OwnedBio, ContextError> opened = open(file);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    const OwnedCertificate leaf(PEM_read_bio_X509_AUX(opened->get(), nullptr, nullptr, nullptr));
    if (leaf == nullptr) {
        const unsigned long error = take_openssl_error();
        return failed(Kind::malformed, file,
                      no_more_in_file(error) ? "no certificate in it" : openssl_reason(error));
    }
    if (SSL_CTX_use_certificate(context, leaf.get()) != 1) {
        return refused_by_openssl(file);
    }
    SSL_CTX_clear_chain_certs(context);
    while (OwnedCertificate issuer{PEM_read_bio_X509(opened->get(), nullptr, nullptr, nullptr)}) {
        if (SSL_CTX_add0_chain_cert(context, issuer.get()) != 1) {
            return refused_by_openssl(file);
        }
        static_cast<void>(issuer.release());
    }
    const unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    if (!no_more_in_file(error)) {
        return failed(Kind::malformed, file,
                      "after the first certificate: " + openssl_reason(error));
    }
    return {};
}

Loaded load_key(SSL_CTX* context, const std::string& file) {
    const std::expected<OwnedBio, ContextError> opened = open(file);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    bool is_encrypted = false;
    const OwnedKey key(PEM_read_bio_PrivateKey(opened->get(), nullptr, no_password, &is_encrypted));
    if (is_encrypted) {
        ERR_clear_error();
        return failed(Kind::malformed, file, "the key is encrypted: keep it without a password");
    }
    if (key == nullptr) {
        const unsigned long error = take_openssl_error();
        return failed(Kind::malformed, file,
                      no_more_in_file(error) ? "no private key in it" : openssl_reason(error));
    }
    // Checks the key against the certificate, which is there already.
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
        const unsigned long error = take_openssl_error();
        const int reason = ERR_GET_REASON(error);
        const bool mismatch =
            ERR_GET_LIB(error) == ERR_LIB_X509 &&
            (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH);
        return failed(mismatch ? Kind::mismatched : Kind::refused, file, openssl_reason(error));
    }
    return {};
}

}  // namespace

void demand_strength(SSL_CTX* context) noexcept {
    constexpr int of_112_bits = 2;  // SSL_CTX_set_security_level(3)
    SSL_CTX_set_security_level(context, std::max(of_112_bits, SSL_CTX_get_security_level(context)));
}

Loaded load_identity(SSL_CTX* context, const Identity& identity) {
    if (identity.certificate_file.empty() || identity.key_file.empty()) {
        return failed(Kind::incomplete, {},
                      "a certificate needs its key, and a key its "
                      "certificate");
    }
    Loaded loaded = load_chain(context, identity.certificate_file);
    if (loaded) {
        loaded = load_key(context, identity.key_file);
    }
    if (!loaded && loaded.error().kind == Kind::mismatched) {
        loaded.error().reason = "it is not the key of " + identity.certificate_file;
    }
    return loaded;
}

Loaded load_roots(SSL_CTX* context, const std::string& file) {
    const std::expected<OwnedBio, ContextError> opened = open(file);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    int roots = 0;
    while (const OwnedCertificate root{
        PEM_read_bio_X509_AUX(opened->get(), nullptr, nullptr, nullptr)}) {
        if (X509_STORE_add_cert(store, root.get()) != 1) {
            return refused_by_openssl(file);
        }
        ++roots;
    }
    const unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    if (!no_more_in_file(error)) {
        return failed(Kind::malformed, file, openssl_reason(error));
    }
    if (roots == 0) {
        return failed(Kind::malformed, file, "no certificate in it");
    }
    return {};
}

}  // namespace sluice::tls
