// block_on: runs one task to its end, on this thread, from code that is not a coroutine.
//
// Errors:       What the task throws is thrown.
// Threading:    A thread that runs no loop. Inside a task it is a bug, and says so: the loop would
//               wait for itself.

#pragma once

#include "sluice/runtime/loop.h"
#include "sluice/runtime/runs_loop.h"
#include "sluice/runtime/task.h"

#include <utility>

namespace sluice {

template <typename T>
T block_on(Loop& loop, Task<T> task) {
    class Done final : public TaskOwner {
    public:
        void finished(Coroutine&) noexcept override { done = true; }
        bool done = false;
    };
    const RunsLoop runs_loop;
    Done owner;
    task.start(loop, nullptr, owner);
    loop.run_until(owner.done);
    return task.take();
}

}  // namespace sluice
