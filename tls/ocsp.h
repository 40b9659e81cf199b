// ocsp: what an issuer says of a certificate of its own: that it is good, or that it is revoked.
//
// Errors:       ContextError of a file that is to be stapled; a Flaw of what a server stapled.
// Source:       RFC 6960 (OCSP), RFC 6066 8 (stapling), RFC 7633 (certificates that ask for it).

#pragma once

#include "sluice/runtime/security.h"
#include "sluice/tls/context_error.h"
#include "sluice/tls/identity.h"
#include "sluice/tls/openssl_objects.h"

#include <ctime>
#include <expected>
#include <optional>
#include <string>

namespace sluice::tls {

struct Staple {
    std::string response;  // DER; empty: there is none.
    std::time_t valid_until = 0;
};

// What `identity` has of it, by a file or by its octets, which is about `certificate`.
[[nodiscard]] std::expected<Staple, ContextError> load_staple(const Identity& identity,
                                                              const X509& certificate);

// What is wrong with the certificate of the server that `ssl` speaks to, by what it stapled, once
// its chain is verified. Where nothing is said, or nothing that holds, nothing is wrong, unless it
// is `required`, or the certificate itself requires it.
struct StapleFlaw {
    Flaw flaw;
    std::string why;
};
[[nodiscard]] std::optional<StapleFlaw> flaw_by_staple(SSL* ssl, bool required);

}  // namespace sluice::tls
