// Whether the oracle can see: every lie is caught, and every rule has a lie that it catches.

#include "sluice/tests/simulation/plants.h"

#include "sluice/tests/simulation/campaign.h"
#include "sluice/tests/simulation/rules.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::campaign {
namespace {

TEST_CASE("plants: each is caught within 1,000 seeds, by the rule that it is for",
          "[simulation][campaign]") {
    for (const PlantRow& plant : plants()) {
        CAPTURE(plant.name, plant.rule);
        CHECK(caught_by(plant, 1000));
    }
}

TEST_CASE("plants: every rule has one, and each is for a rule", "[simulation][campaign]") {
    for (const Rule& rule : rules()) {
        CAPTURE(rule.name);
        CHECK(std::ranges::any_of(plants(),
                                  [&](const PlantRow& plant) { return plant.rule == rule.name; }));
    }
    for (const PlantRow& plant : plants()) {
        CAPTURE(plant.name);
        CHECK(std::ranges::any_of(rules(),
                                  [&](const Rule& rule) { return plant.rule == rule.name; }));
        CHECK(find_plant(plant.name) == &plant);
    }
}

// No lie of a kernel or of a record gets there: a library that lied so would sit on a reset.
TEST_CASE("rules: a reset is first where it failed a send or where all before it was read",
          "[simulation][campaign]") {
    struct Case {
        std::uint64_t unread;
        bool failed_a_send;
        bool is_first;
    };
    constexpr auto at = [](int ms) { return Instant(std::chrono::milliseconds(ms)); };
    for (const Case& each : {Case{0, false, true}, {1, false, false}, {1, true, true}}) {
        Outcome outcome;
        outcome.cause = {http::Party::application, http::Mechanism::sink_error};
        outcome.connection.local = *Endpoint::parse("192.0.2.1:32768");
        outcome.send.phase = http::SendPhase::body_partial;
        outcome.receive.body = 10;
        outcome.times.last_byte_in = at(1);
        outcome.times.ended = at(3);
        Evidence evidence;
        Call& call = evidence.calls.emplace_back();
        call.attempts = {outcome};
        call.outcome = outcome;
        call.gave_up = http::Mechanism::sink_error;
        call.gave_up_at = at(3);
        evidence.client_told.push_back({.outcome = outcome, .at = at(3)});
        WireEnd& wire = evidence.wire[32768].client;
        wire.delivered = outcome.receive.body + each.unread;
        wire.reset_seen_at = at(2);
        wire.send_failed_at = each.failed_a_send ? at(2) : never;
        const std::vector<Violation> violations = judge({}, evidence);
        CAPTURE(each.unread, each.failed_a_send);
        CHECK(std::ranges::any_of(violations, [](const Violation& violation) {
                  return violation.rule == "cause-is-first";
              }) == each.is_first);
    }
}

}  // namespace
}  // namespace sluice::campaign
