// run(): one task, from its beginning to its end, in a world of its own.
//
// Ownership:    The world is gone when run() returns, and it checks that nothing was left: no
//               operation, no descriptor, no buffer, no timer.
// Errors:       What the task throws is thrown.

#pragma once

#include "sluice/runtime/block_on.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/simulation/simulated_backend.h"

namespace sluice::simulation {

struct World {
    SimulatedBackend& backend;
    Loop& loop;
};

// `begin` is called with the World and returns the Task: `run({.seed = 7}, upload_and_check)`.
template <typename Begin>
auto run(const Options& options, Begin begin) {
    SimulatedBackend backend(options);
    Loop loop(backend);
    World world{backend, loop};
    return block_on(loop, begin(world));
}

}  // namespace sluice::simulation
