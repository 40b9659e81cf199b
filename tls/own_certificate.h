// own_certificate: a certificate that a program makes for itself, so that it speaks TLS at once.
//
// Nobody vouches for it: who is to trust it is given the file.

#pragma once

#include "sluice/tls/identity.h"

#include <optional>
#include <string>

namespace sluice::tls {

// For 127.0.0.1, for a day, in files of `directory`. None: it could not be made.
[[nodiscard]] std::optional<Identity> make_own_certificate(const std::string& directory);

}  // namespace sluice::tls
