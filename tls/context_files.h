// context_files: what a context takes from files, with errors that name the file.

#pragma once

#include "sluice/tls/context_error.h"
#include "sluice/tls/identity.h"
#include "sluice/tls/openssl_objects.h"

#include <expected>
#include <string>

namespace sluice::tls {

// Keys and digests are worth 112 bits at least, whatever OpenSSL was built or configured for: RSA
// of 2048 bits, no SHA-1. What the system demands beyond that stays.
void demand_strength(SSL_CTX* context) noexcept;

using Loaded = std::expected<void, ContextError>;

// The certificate, its issuers and the key of `identity`, which go together.
[[nodiscard]] Loaded load_identity(SSL_CTX* context, const Identity& identity);

// The certificates of `file` as roots.
[[nodiscard]] Loaded load_roots(SSL_CTX* context, const std::string& file);

}  // namespace sluice::tls
