// The campaign over a small range, and what it says of a world that breaks a rule.

#include "sluice/tests/simulation/campaign.h"

#include "sluice/tests/simulation/world.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <set>
#include <string>

#include "sluice/tests/catch.h"

namespace sluice::campaign {
namespace {

// Fewer over TLS, whose handshakes take time: the campaign itself runs thousands.
constexpr std::uint64_t seeds_of(bool over_tls) {
    return over_tls ? 5 : 20;
}

TEST_CASE("campaign: no world of any workload breaks a rule, be it over TCP or TLS",
          "[simulation][campaign]") {
    const bool over_tls = GENERATE(false, true);
    const std::uint64_t seeds = seeds_of(over_tls);
    for (const Workload workload : {Workload::upload, Workload::download, Workload::proxy,
                                    Workload::store, Workload::mixed}) {
        Tally tally;
        for (std::uint64_t seed = 0; seed < seeds; ++seed) {
            const Script script = script_of(seed, workload, over_tls);
            const Judged judged = run_and_judge(script, Plant::none);
            tally.add(judged.evidence);
            for (const Violation& violation : judged.violations) {
                FAIL_CHECK(violation.rule << ": " << violation.what << "\n"
                                          << replay_of(script, Plant::none));
            }
        }
        CAPTURE(name(workload), over_tls);
        CHECK(tally.exchanges >= seeds * calls_max);
        CHECK(tally.faults > seeds);
    }
}

TEST_CASE("campaign: a seed makes the same world every time, to the octet of its trace",
          "[simulation][campaign]") {
    const bool over_tls = GENERATE(false, true);
    for (std::uint64_t seed = 0; seed < seeds_of(over_tls) / 2; ++seed) {
        const Script script = script_of(seed, Workload::mixed, over_tls);
        std::string first;
        std::string second;
        const std::string told = outcomes_of(run_world(script, Plant::none, &first));
        const std::string again = outcomes_of(run_world(script, Plant::none, &second));
        CAPTURE(seed, over_tls);
        CHECK_FALSE(first.empty());
        CHECK(first == second);
        CHECK(told == again);
    }
}

TEST_CASE("campaign: a shrunk script breaks the same rule, and nothing in it can be left out",
          "[simulation][campaign]") {
    const std::string_view planted = GENERATE("deadline-ignored", "octet-before-end-lost");
    const PlantRow& plant = *find_plant(planted);
    const auto breaks = [&](const Script& script) {
        const Judged judged = run_and_judge(script, plant.plant);
        return std::ranges::any_of(judged.violations, [&](const Violation& violation) {
            return violation.rule == plant.rule;
        });
    };
    const std::uint64_t seed = caught_by(plant, 100).value();
    const Script whole = script_of(seed, Workload::mixed);
    const Script less = shrunk(whole, plant.plant, plant.rule);
    CHECK(breaks(less));
    CHECK(less.without.size() < less.faults.size());
    CHECK(less.singles.has_value() == (planted == "octet-before-end-lost"));
    for (std::size_t number = 0; number < less.faults.size() && !less.singles; ++number) {
        if (less.has(number)) {
            Script without = less;
            without.without.insert(number);
            CHECK_FALSE(breaks(without));
        }
    }
    const std::set<std::size_t> numbers =
        less.singles ? less.singles->numbers : std::set<std::size_t>();
    for (const std::size_t number : numbers) {
        std::set<std::size_t> others = numbers;
        others.erase(number);
        CHECK_FALSE(breaks(with_singles(less, plant.plant, others)));
    }
    CHECK(replay_of(less, plant.plant)
              .starts_with("bazel run //tests/simulation:campaign -- --seed " +
                           std::to_string(seed) + " --workload mixed --plant " +
                           std::string(planted)));
}

TEST_CASE("campaign: an abort names the world it happened in, and none once that is left",
          "[simulation][campaign]") {
    const auto told_by = [](auto what_aborts) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe(ends.data()) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::dup2(ends[1], STDERR_FILENO);
            std::signal(SIGABRT, SIG_DFL);  // Catch2 has one of its own.
            name_world_at_abort();
            what_aborts();
            std::abort();
        }
        ::close(ends[1]);
        std::string told(4096, '\0');
        const ssize_t octets = ::read(ends[0], told.data(), told.size());
        ::close(ends[0]);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
        told.resize(static_cast<std::size_t>(std::max<ssize_t>(octets, 0)));
        return told;
    };
    const std::string replay = replay_of(script_of(7, Workload::store), Plant::none);
    CHECK(told_by([&] { enter_world(replay); }) ==
          "campaign: aborted in this world: " + replay + "\n");
    CHECK(told_by([&] {
              enter_world(replay);
              leave_world();
          }).empty());
}

}  // namespace
}  // namespace sluice::campaign
