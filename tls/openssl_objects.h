// openssl_objects: OpenSSL's objects as owned values, and its queue of errors kept empty.
//
// OpenSSL reports through a queue that belongs to the thread. Whoever calls it clears the queue
// before and takes what is there after: what one connection left behind must not be read as
// another's.

#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace sluice::tls {

template <auto free>
struct Frees {
    template <typename T>
    void operator()(T* object) const noexcept {
        free(object);
    }
};

using OwnedSsl = std::unique_ptr<SSL, Frees<SSL_free>>;
using OwnedContext = std::unique_ptr<SSL_CTX, Frees<SSL_CTX_free>>;
using OwnedSession = std::unique_ptr<SSL_SESSION, Frees<SSL_SESSION_free>>;
using OwnedBio = std::unique_ptr<BIO, Frees<BIO_free>>;
using OwnedCipher = std::unique_ptr<EVP_CIPHER, Frees<EVP_CIPHER_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, Frees<EVP_PKEY_free>>;
using OwnedCertificate = std::unique_ptr<X509, Frees<X509_free>>;

// Takes the oldest error off the queue and drops the rest: 0 if there was none.
inline unsigned long take_openssl_error() noexcept {
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    return error;
}

// OpenSSL's own phrase: "wrong version number".
inline std::string openssl_reason(unsigned long error) {
    const char* const reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : "unknown";
}

}  // namespace sluice::tls
