#include "sluice/tls/handshake_observer.h"

namespace sluice::tls {

std::string HandshakeFailure::description() const {
    std::string text = "TLS with " + peer.text();
    if (!name.empty()) {
        text += " as " + name;
    }
    text += " failed: " + describe(error);
    if (!explanation.empty()) {
        text += " (" + explanation + ")";
    }
    if (error.code == Errc::untrusted && !store.empty()) {
        text += ", against " + store;
    }
    return text;
}

}  // namespace sluice::tls
