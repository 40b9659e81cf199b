// context_common: what contexts of clients and of servers have in common.

#pragma once

#include "sluice/tls/context_error.h"
#include "sluice/tls/context_files.h"
#include "sluice/tls/openssl_objects.h"
#include "sluice/tls/options.h"

#include <expected>
#include <string>
#include <vector>

namespace sluice::tls {

// With sound versions, suites and groups.
[[nodiscard]] OwnedContext make_context(const SSL_METHOD* method, TlsVersion version_min,
                                        bool kernel_tls);

// Where to write keys; to an empty name, nowhere.
[[nodiscard]] Loaded log_keys(SSL_CTX* context, const std::string& file);

// As ALPN has it: each name behind its length.
[[nodiscard]] std::expected<std::string, ContextError> listed(
    const std::vector<std::string>& protocols);

[[nodiscard]] std::unexpected<ContextError> incomplete(std::string reason);

// For OpenSSL's verification: remembers what was wrong, for the error; the first flaw decides.
[[nodiscard]] int verified(int is_good, X509_STORE_CTX* verification);

}  // namespace sluice::tls
