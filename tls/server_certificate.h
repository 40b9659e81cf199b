// ServerCertificate: a certificate with its issuers, its key and its OCSP response, ready to be
// shown.
//
// Ownership:    A handle: copies share.
// Errors:       ContextError, once, at load(): it names the file.
// Threading:    Any.

#pragma once

#include "sluice/tls/context_error.h"
#include "sluice/tls/identity.h"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace sluice::tls {

class ServerCertificate {
public:
    [[nodiscard]] static std::expected<ServerCertificate, ContextError> load(
        const Identity& identity);

    // Handshakes of `context` show this one if they are given no other. Yields whether it could.
    [[nodiscard]] bool show_by(ssl_ctx_st* context) const noexcept;
    // From now on `ssl` shows this one. Yields whether it could.
    [[nodiscard]] bool show_by(ssl_st* ssl) const noexcept;

private:
    struct State;
    explicit ServerCertificate(std::shared_ptr<const State> state) noexcept;
    std::shared_ptr<const State> state_;
};

// By the name that a client asks for, in lower case; empty: it asks for none. Of none that it
// yields, ServerOptions::named decides. Called within a handshake, by each loop's thread or on a
// worker (TlsAcceptorOptions), and perhaps by several at a time. What it throws ends the process:
// OpenSSL stands between it and whoever could catch it.
using CertificateChooser = std::function<std::optional<ServerCertificate>(std::string_view name)>;

}  // namespace sluice::tls
