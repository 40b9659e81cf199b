// HandshakeObserver: told of connections that never became secure.
//
// Their errors are small values that travel up through every layer; the words are here: which check
// failed, of whose certificate, for which name, against which store.

#pragma once

#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"

#include <string>

namespace sluice::tls {

struct HandshakeFailure {
    Error error;
    Endpoint peer;
    std::string name;         // Of a client: the host that was asked for.
    std::string store;        // Whom this end trusts to vouch for the other.
    std::string explanation;  // What OpenSSL adds: "certificate has expired: CN=..., DNS:...".

    // One line for a person.
    [[nodiscard]] std::string description() const;
};

class HandshakeObserver {
public:
    // Bookkeeping only. Not of handshakes that the program itself stopped.
    virtual void handshake_failed(const HandshakeFailure& failure) noexcept = 0;

protected:
    ~HandshakeObserver() = default;
};

}  // namespace sluice::tls
