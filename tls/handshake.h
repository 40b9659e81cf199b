// handshake: brings an Engine to its beginning, over a Transport.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"
#include "sluice/tls/engine.h"

#include <cstdint>
#include <optional>

namespace sluice::tls {

// Where OpenSSL computes: signatures and key exchanges take a good part of a millisecond, or with
// keys of RSA several.
enum class StepsOn : std::uint8_t { loop, workers };

// What became of an Engine that is secured.
struct Shaken {
    // Why the last of it could not be sent: nothing may be sent behind that hole. What the peer
    // said may still be read.
    std::optional<Error> unsent = {};
};

// Errors: Phase::secure: alert_received, alert_sent, malformed, untrusted, cut_short (TCP's FIN),
// and those of `beneath`. The peer was told why, if it can be. Closes nothing.
[[nodiscard]] Task<Result<Shaken>> shake_hands(Engine& engine, Transport& beneath, StepsOn where);

}  // namespace sluice::tls
