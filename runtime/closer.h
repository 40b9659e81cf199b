// close_behind(): closes what its owner destroyed without closing it.
//
// Closing takes time, since the kernel may still write for what is closed, and a destructor must
// take none. So the closing becomes a task that nobody awaits but the loop, before it ends. That is
// a bug of the owner's, which is told; but no reason to end the process.
//
// Ownership:    The loop owns `closing`, and runs until it has ended.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"

namespace sluice {

void close_behind(Loop& loop, Task<> closing) noexcept;

}  // namespace sluice
