// stack_of_thread(): what another thread of this process is doing.
//
// The thread is interrupted by a signal, and looks at its own stack. SIGURG is that signal: nothing
// else of ours uses it, and a process that does not expect it ignores it.
//
// Errors:       Empty if the thread is gone, or does not answer: it is in a call that no signal
//               interrupts.
// Threading:    Any but that thread. A system call that it is in may end with EINTR.
// Source:       tgkill(2), backtrace(3), signal-safety(7).

#pragma once

#include "sluice/runtime/clock.h"

#include <string>
#include <vector>

namespace sluice {

struct ThreadStack {
    std::vector<std::string> functions;  // The innermost first.
    std::string task;                    // The innermost that is a coroutine; empty for none.
};

// `thread` is as gettid(2) yields it.
[[nodiscard]] ThreadStack stack_of_thread(int thread,
                                          Duration patience = std::chrono::milliseconds(200));

}  // namespace sluice
