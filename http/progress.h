// send_with_progress(): a send that is given up when the peer takes nothing any more.
//
// A slow reader is not a dead one: what counts is that octets go on being acknowledged, however
// few, and not how long the whole takes. Neither FIN nor reset need ever come from a peer that has
// lost its power, so without this a sender could wait for ever (outcomes.md traps 15 and 23).
//
// Completion:   As Transport::send(). Given up: timed_out, with the octets accepted by then.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"

#include <cstdint>
#include <span>

namespace sluice::http {

[[nodiscard]] Task<sluice::Result<std::uint64_t>> send_with_progress(Loop& loop,
                                                                     Transport& transport,
                                                                     std::span<iovec> parts,
                                                                     Duration stall_max);

// As Transport::acknowledged(), given up when nothing is acknowledged for `stall_max`.
[[nodiscard]] Task<sluice::Result<void>> acknowledged_with_progress(Transport& transport,
                                                                    Duration stall_max);

}  // namespace sluice::http
