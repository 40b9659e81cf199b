#include "calls_openssl.h"

#include <openssl/crypto.h>

namespace consumer {

unsigned openssl_major() {
    return OPENSSL_version_major();
}

}  // namespace consumer
