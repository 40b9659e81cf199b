// run_on_threads: the same program on several loops, each with its thread and its backend.
//
// Loops share nothing: what they have in common, as listeners of one port, the kernel spreads.
//
// Completion:   Returns when the body has ended on every loop: 0, or what the first body yielded
//               that ended otherwise.
// Cancellation: When a body ends otherwise than with 0, those of the other loops are asked to stop.
// Errors:       A backend that cannot be had, or an exception that leaves a body, is told on stderr
//               and counts as 1.
// Threading:    The calling thread runs loop 0.

#pragma once

#include "sluice/runtime/loop.h"
#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/task.h"

#include <functional>

namespace sluice {

using LoopBody = std::function<Task<int>(Loop& loop, unsigned index)>;

[[nodiscard]] int run_on_threads(unsigned count, BackendKind kind, const LoopBody& body);

}  // namespace sluice
