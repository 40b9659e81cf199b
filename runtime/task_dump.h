// task_dump: every task of a loop, what each awaits and since when, below the task it belongs to.
//
// Costs nothing until it is asked for: tasks are found in the memory that frames come from, and
// named by the program's symbols. It is whole between two resumes; a task that asks for it itself
// is told as ready.
//
//     Connection::serve                  awaits input of descriptor 9, for 12.4 s
//     wait_for_signal                    awaits poll fd=7 events=1, for 3600.1 s
//
// Ownership:    A task belongs to whoever awaits it, or to the task whose frame holds the Scope, or
//               whatever else owns it. One that belongs to no task stands at the left.
// Threading:    Lists tasks that were made on the calling thread, and the loop's is that one.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/signals.h"

#include <cstddef>
#include <string>
#include <thread>

namespace sluice {

[[nodiscard]] std::string task_dump(const Loop& loop);

// The tasks that `owner` owns: a line each.
[[nodiscard]] std::string tasks_of(const TaskOwner& owner);

// Any thread: has every loop of the process write its dump to stderr, one after the other. Of a
// loop that does not come to it within `patience`, because a task blocks it, says where it is.
void dump_all_tasks(Duration patience = std::chrono::seconds(1));

// Writes a dump whenever `signal` comes: dump_all_tasks(). One in a program, made on its first
// thread before any other starts: they inherit what it blocks.
class DumpOnSignal {
public:
    explicit DumpOnSignal(int signal);
    DumpOnSignal(DumpOnSignal&&) = delete;
    ~DumpOnSignal();

private:
    int signal_;
    std::jthread thread_;
};

}  // namespace sluice
