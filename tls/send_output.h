// send_output: what OpenSSL has to say and nobody's plaintext goes with, to the transport beneath.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"
#include "sluice/tls/engine.h"

namespace sluice::tls {

// Takes the engine's output and counts in its wire() what of it the kernel took.
//
// Errors: `beneath`'s; the rest of the output is lost then.
[[nodiscard]] Task<Result<void>> send_output(Engine& engine, Transport& beneath);

}  // namespace sluice::tls
