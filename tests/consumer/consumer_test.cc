// A monorepo's program: its own http/client.h beside Sluice's, and no flag but the standard's.

#include <cstdlib>

#include "http/client.h"
#include "sluice/sluice.h"
#include "sluice/tls/digest.h"

int main() {
    sluice::tls::Sha256 sha256;
    const sluice::tls::Sha256::Digest digest = sha256.finish();
    const bool right = sluice::tls::hex(digest).starts_with("e3b0c44298fc1c14");
    return right && consumer::own_client == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
