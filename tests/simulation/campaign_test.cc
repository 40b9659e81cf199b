// The campaign over a small range, and what it says of a world that breaks a rule.

#include "sluice/tests/simulation/campaign.h"

#include "sluice/tests/simulation/world.h"

#include <string>

#include "sluice/tests/catch.h"

namespace sluice::campaign {
namespace {

constexpr std::uint64_t seeds = 40;

TEST_CASE("campaign: no world of any workload breaks a rule", "[simulation][campaign]") {
    for (const Workload workload : {Workload::upload, Workload::download, Workload::proxy,
                                    Workload::store, Workload::mixed}) {
        Tally tally;
        for (std::uint64_t seed = 0; seed < seeds; ++seed) {
            const Script script = script_of(seed, workload);
            const Judged judged = run_and_judge(script, Plant::none);
            tally.add(judged.evidence);
            for (const Violation& violation : judged.violations) {
                FAIL_CHECK(violation.rule << ": " << violation.what << "\n"
                                          << replay_of(script, Plant::none));
            }
        }
        CAPTURE(name(workload));
        CHECK(tally.exchanges >= seeds * calls_max);
        CHECK(tally.faults > seeds);
    }
}

TEST_CASE("campaign: a seed makes the same world every time, to the octet of its trace",
          "[simulation][campaign]") {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        const Script script = script_of(seed, Workload::mixed);
        std::string first;
        std::string second;
        const std::string told = outcomes_of(run_world(script, Plant::none, &first));
        const std::string again = outcomes_of(run_world(script, Plant::none, &second));
        CAPTURE(seed);
        CHECK_FALSE(first.empty());
        CHECK(first == second);
        CHECK(told == again);
    }
}

TEST_CASE("campaign: a shrunk script breaks the same rule, and nothing in it can be left out",
          "[simulation][campaign]") {
    const auto breaks = [](const Script& script) {
        const Judged judged = run_and_judge(script, Plant::deadline_ignored);
        return !judged.violations.empty() && judged.violations.front().rule == "deadline-holds";
    };
    std::uint64_t seed = 0;
    while (!breaks(script_of(seed, Workload::mixed))) {
        ++seed;
    }
    const Script whole = script_of(seed, Workload::mixed);
    Script less = shrunk(whole, Plant::deadline_ignored, "deadline-holds");
    CHECK(breaks(less));
    CHECK(less.without.size() < less.faults.size());
    for (std::size_t number = 0; number < less.faults.size(); ++number) {
        if (less.has(number)) {
            Script without = less;
            without.without.insert(number);
            CHECK_FALSE(breaks(without));
        }
    }
    CHECK(replay_of(less, Plant::deadline_ignored)
              .starts_with("bazel run //tests/simulation:campaign -- --seed " +
                           std::to_string(seed) + " --workload mixed --plant deadline-ignored"));
}

}  // namespace
}  // namespace sluice::campaign
