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
#include "sluice/tests/simulation/tls_world.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::campaign {

// What the hosts of a world share: none of it is known to the library.
struct World {
    World(const Script& wanted, Plant planted, simulation::SimulatedBackend& its_backend,
          Loop& its_loop, Wiretap& its_tap, Evidence& its_evidence, TlsWorld* its_tls)
        : script(wanted),
          plant(planted),
          backend(its_backend),
          loop(its_loop),
          tap(its_tap),
          evidence(its_evidence),
          tls(its_tls),
          random(wanted.seed ^ 0x5eed) {}

    const Script& script;
    Plant plant;
    simulation::SimulatedBackend& backend;
    Loop& loop;
    Wiretap& tap;
    Evidence& evidence;
    TlsWorld* tls;  // Null: plain TCP.
    Random random;  // Of the applications.

    [[nodiscard]] Instant now() const noexcept { return loop.now(); }
    // "http://10.0.0.1/e/3".
    [[nodiscard]] std::string url(std::string_view host, std::string_view target) const {
        const std::string_view port = ":80";
        return tls == nullptr ? std::string("http://").append(host).append(target)
                              : std::string("https://").append(host).append(port).append(target);
    }
    void something_went_wrong() noexcept { ++evidence.faults; }
};

// Runs the world to its end. `trace`, if any, gets the simulator's.
[[nodiscard]] Evidence run_world(const Script& script, Plant plant = Plant::none,
                                 std::string* trace = nullptr);

}  // namespace sluice::campaign
