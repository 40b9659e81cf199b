// calls_openssl: a library that calls OpenSSL, for programs that do not.

#pragma once

namespace consumer {

[[nodiscard]] unsigned openssl_major();

}  // namespace consumer
