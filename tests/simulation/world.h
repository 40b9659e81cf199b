// World: the hosts of one seed, from their beginning to their end, and the evidence they leave.

#pragma once

#include "sluice/http/client.h"
#include "sluice/http/server.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/tests/simulation/evidence.h"
#include "sluice/tests/simulation/plan.h"
#include "sluice/tests/simulation/plants.h"
#include "sluice/tests/simulation/script.h"

#include <cstdint>
#include <string>

namespace sluice::campaign {

// What the hosts of a world share: none of it is known to the library.
struct World {
    World(const Script& wanted, Plant planted, simulation::SimulatedBackend& its_backend,
          Loop& its_loop, Wiretap& its_tap, Evidence& its_evidence)
        : script(wanted),
          plant(planted),
          backend(its_backend),
          loop(its_loop),
          tap(its_tap),
          evidence(its_evidence),
          random(wanted.seed ^ 0x5eed) {}

    const Script& script;
    Plant plant;
    simulation::SimulatedBackend& backend;
    Loop& loop;
    Wiretap& tap;
    Evidence& evidence;
    Random random;  // Of the applications.

    [[nodiscard]] Instant now() const noexcept { return loop.now(); }
    void something_went_wrong() noexcept { ++evidence.faults; }
};

// Runs the world to its end. `trace`, if any, gets the simulator's.
[[nodiscard]] Evidence run_world(const Script& script, Plant plant = Plant::none,
                                 std::string* trace = nullptr);

}  // namespace sluice::campaign
