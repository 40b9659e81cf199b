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

// The same script with all faults left out that the rule breaks without.
[[nodiscard]] Script shrunk(Script script, Plant plant, std::string_view rule);

// The first of so many seeds by which the plant breaks the rule that it is for.
[[nodiscard]] std::optional<std::uint64_t> caught_by(const PlantRow& plant, std::uint64_t seeds);

// The command that shows this world again.
[[nodiscard]] std::string replay_of(const Script& script, Plant plant);

// "3,7": which faults are left out.
[[nodiscard]] std::string without_of(const Script& script);

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
