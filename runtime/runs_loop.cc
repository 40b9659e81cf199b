#include "sluice/runtime/runs_loop.h"

#include <cstdio>
#include <cstdlib>

namespace sluice {

namespace {

thread_local bool runs_loop = false;

}  // namespace

RunsLoop::RunsLoop() noexcept {
    if (runs_loop) {
        refuse();
    }
    runs_loop = true;
}

RunsLoop::~RunsLoop() {
    runs_loop = false;
}

bool RunsLoop::here() noexcept {
    return runs_loop;
}

void RunsLoop::refuse() noexcept {
    std::fputs("block_on() inside a task: its loop would wait for itself. co_await the task.\n",
               stderr);
    std::abort();
}

}  // namespace sluice
