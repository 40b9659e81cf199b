// peer_certificate: who the other end of a connection says it is, and what was wrong with that.

#pragma once

#include "sluice/runtime/security.h"
#include "sluice/tls/openssl_objects.h"

#include <optional>
#include <string>
#include <vector>

namespace sluice::tls {

// Of a connection whose peer sent a certificate, or had sent one with the session it resumes.
[[nodiscard]] std::optional<PeerCertificate> peer_certificate_of(const SSL* ssl);

// Whether the certificate that the peer showed, when the session was made, is past its time.
[[nodiscard]] bool peer_has_expired(const SSL_SESSION& session) noexcept;

[[nodiscard]] std::string subject_of(const X509& certificate);
// Octet by octet: an item is one name, whatever it holds.
[[nodiscard]] std::vector<std::string> names_of(const X509& certificate);

// Both, in one line for a person: a stranger's name breaks no line, and orders no terminal about.
[[nodiscard]] std::string description_of(const X509& certificate);

// Of X509_V_ERR_...
[[nodiscard]] Flaw flaw_of(int verification_error) noexcept;

}  // namespace sluice::tls
