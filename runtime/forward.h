// forward: everything that a source yields, into a sink, which it finishes at the proven end.
//
// What was lent by the source is handed to the sink as it is: nothing is copied, and nothing is
// read before the sink has taken what came before.
//
// Completion:   Yields how many octets crossed. The sink is then finished.
// Cancellation: A stop ends it as a failure of the source would: the sink is aborted, after a write
//               of nothing under the stop, by which it can tell the two apart.
// Errors:       octets_done is how many octets crossed. When the source fails, the sink is aborted.
//               When the sink fails, it is left as it is: it may have more to tell than its error,
//               as the body of a request does whose response came early.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstdint>

namespace sluice {

enum class Side : std::uint8_t { none, source, sink };

// How far a forward() is, at any moment, and which side ended it early.
struct Passage {
    std::uint64_t octets = 0;
    Side failed = Side::none;
};

[[nodiscard]] Task<Result<std::uint64_t>> forward(ByteSource& source, ByteSink& sink);

[[nodiscard]] Task<Result<std::uint64_t>> forward(ByteSource& source, ByteSink& sink,
                                                  Passage& passage);

}  // namespace sluice
