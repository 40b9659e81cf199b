// security_facts: what those above TLS are told of a connection, taken from its SSL.

#pragma once

#include "sluice/runtime/security.h"
#include "sluice/tls/openssl_objects.h"

namespace sluice::tls {

// Of one that has shaken hands.
[[nodiscard]] SecurityFacts security_facts_of(const SSL* ssl);

}  // namespace sluice::tls
