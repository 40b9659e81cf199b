// Recorder: writes down what an observer is told, with what the kernels know at that moment.
//
// A plant that alters records on their way does it here: the oracle then reads the altered one.

#pragma once

#include "sluice/http/outcome_observer.h"
#include "sluice/tests/simulation/evidence.h"
#include "sluice/tests/simulation/world.h"

#include <cstdint>
#include <vector>

namespace sluice::campaign {

class Recorder final : public http::OutcomeObserver {
public:
    Recorder(World& world, Host host, http::Side side) noexcept
        : world_(world), host_(host), side_(side) {}

    void exchange_ended(const Outcome& outcome) override;

private:
    World& world_;
    Host host_;
    http::Side side_;
};

// What the plant makes of a record, at most.
[[nodiscard]] Outcome altered(const Outcome& outcome, Plant plant) noexcept;

// The port by which a connection is known.
[[nodiscard]] std::uint16_t client_port_of(const Outcome& outcome) noexcept;

// Takes note of what a client's handle said now, beside what it said before.
void look_again(const Outcome& now, Outcome& before, Call& call, Plant plant) noexcept;

}  // namespace sluice::campaign
