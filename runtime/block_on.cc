#include "sluice/runtime/block_on.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sluice {

namespace {

thread_local bool runs_loop = false;

}  // namespace

RunsLoop::RunsLoop() noexcept {
    if (std::exchange(runs_loop, true)) {
        std::fputs("block_on() inside a task: its loop would wait for itself. co_await the task.\n",
                   stderr);
        std::abort();
    }
}

RunsLoop::~RunsLoop() {
    runs_loop = false;
}

}  // namespace sluice
