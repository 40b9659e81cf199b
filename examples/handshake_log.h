// HandshakeLog: says on stderr why a handshake failed, which is more than an outcome can.

#pragma once

#include "sluice/tls/handshake_observer.h"

#include <cstdio>

namespace sluice::examples {

class HandshakeLog final : public tls::HandshakeObserver {
public:
    void handshake_failed(const tls::HandshakeFailure& failure) noexcept override {
        std::fprintf(stderr, "%s\n", failure.description().c_str());
    }
};

}  // namespace sluice::examples
