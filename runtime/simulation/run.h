// run(): one task, from its beginning to its end, in a world of its own.
//
//     const auto seen = simulation::run(simulation::hostile(seed), upload_and_look);
//
// Begin here to test a program of yours: examples/handler_test.cc is one to copy. What goes wrong
// is up to Options: `cuts` end a connection at an octet, percentages draw faults, hostile(seed)
// draws the percentages too. World::backend tells afterwards which faults() there were, and repeats
// them as Options::script; its at() acts at an instant, and its disk() is looked at, crashes, and
// is loaded by the next machine. A wait that could never end, and what is left at the end, stop the
// process.
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
