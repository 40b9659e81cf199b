// Campaign: many worlds, one after another, judged; and what is wanted to know of one that fails.
//
// Threading:    One campaign a thread.

#pragma once

#include "sluice/http/cause.h"
#include "sluice/http/verdict.h"
#include "sluice/tests/simulation/plants.h"
#include "sluice/tests/simulation/rules.h"
#include "sluice/tests/simulation/script.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::campaign {

// What a number of worlds came to.
struct Tally {
    static constexpr std::size_t verdicts =
        static_cast<std::size_t>(http::Verdict::upgraded_by_server) + 1;
    static constexpr std::size_t mechanisms =
        static_cast<std::size_t>(http::Mechanism::internal) + 1;

    std::uint64_t seeds = 0;
    std::uint64_t exchanges = 0;
    std::uint64_t faults = 0;
    std::uint64_t violations = 0;
    std::array<std::uint64_t, verdicts> met{};
    std::array<std::array<std::uint64_t, mechanisms>, 2> causes{};  // Of clients, of servers.

    void add(const Evidence& evidence);
};

struct Judged {
    Evidence evidence;
    std::vector<Violation> violations;
};

[[nodiscard]] Judged run_and_judge(const Script& script, Plant plant);

// The same script with all faults left out that the rule breaks without: first those of the script,
// then, of the simulator's, single ones. It takes at most so many runs, and leaves more than it
// must if that is not enough.
inline constexpr int shrinking_runs_max = 2000;
[[nodiscard]] Script shrunk(Script script, Plant plant, std::string_view rule,
                            int runs_max = shrinking_runs_max);

// The same script, in which of what befalls single operations only these befall them.
[[nodiscard]] Script with_singles(Script script, Plant plant, const std::set<std::size_t>& numbers);

// The first of so many seeds by which the plant breaks the rule that it is for.
[[nodiscard]] std::optional<std::uint64_t> caught_by(const PlantRow& plant, std::uint64_t seeds);

// From now on an abort of the process tells on stderr which world it was in, by its replay command;
// with none, in which it was no more. An abort in a world that is run to shrink another names that
// one: it came first.
void name_world_at_abort();
void enter_world(const std::string& replay) noexcept;
void leave_world() noexcept;

// The command that shows this world again.
[[nodiscard]] std::string replay_of(const Script& script, Plant plant);

// The fault script, one a line.
[[nodiscard]] std::string faults_of(const Script& script);

// What every exchange's record says, one a line.
[[nodiscard]] std::string outcomes_of(const Evidence& evidence);

// The two tables of what occurred.
[[nodiscard]] std::string coverage_of(const Tally& tally);
[[nodiscard]] std::string json_of(const Tally& tally);
// "campaign: S seeds, E exchanges, F faults injected, V violations".
[[nodiscard]] std::string summary_of(const Tally& tally);

}  // namespace sluice::campaign
