// ByteSource, ByteSink: where octets are read from, and where they are written to.
//
// Bodies, files and what stands between them meet in these two. A sink is committed by finish() and
// by nothing else: abort() and destruction abort, and what is at the other end can tell.
//
// Ownership:    What is given to write() stays until it completes. What read() yields is lent until
//               the next call on the source.
// Completion:   write() takes everything, or fails and says in octets_done how much. Its wait is
//               the back-pressure. An empty span from read() is the proven end.
// Cancellation: A stop ends a waiting read or write with `cancelled`; then only abort() is legal.
// Errors:       Final. After one, only abort() and destruction are legal.
// Threading:    The loop's thread. One call at a time.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

class ByteSource {
public:
    virtual ~ByteSource() = default;

    virtual Task<Result<std::span<const std::byte>>> read() = 0;
};

class ByteSink {
public:
    virtual ~ByteSink() = default;

    virtual Task<Result<void>> write(std::span<const std::byte> octets) = 0;

    // Commits: all that was written is whole.
    virtual Task<Result<void>> finish() = 0;

    // Gives up: the other end learns that this is not whole. Idempotent; no-op once finished.
    virtual void abort() noexcept = 0;
};

}  // namespace sluice
