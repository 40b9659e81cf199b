#include "sluice/tests/simulation/campaign.h"

#include "sluice/http/json.h"
#include "sluice/http/outcome_json.h"
#include "sluice/tests/simulation/world.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iterator>
#include <utility>

namespace sluice::campaign {

namespace {

using http::Mechanism;
using http::Verdict;

void append_padded(std::string& text, std::string_view word, std::size_t columns) {
    text.append(word);
    text.append(columns > word.size() ? columns - word.size() : 1, ' ');
}

std::string list_of(const std::set<std::size_t>& numbers) {
    std::string list;
    for (const std::size_t number : numbers) {
        list.append(list.empty() ? "" : ",").append(std::to_string(number));
    }
    return list.empty() ? "none" : list;
}

template <typename Breaks, typename GoesOn>
void leave_out_faults(Script& script, Breaks still_breaks, GoesOn goes_on) {
    bool smaller = true;
    while (smaller) {
        smaller = false;
        for (std::size_t number = 0; number < script.faults.size() && goes_on(); ++number) {
            if (!script.without.insert(number).second) {
                continue;
            }
            if (still_breaks(script)) {
                smaller = true;
            } else {
                script.without.erase(number);
            }
        }
    }
}

void erase(Singles& singles, std::size_t first, std::size_t count) {
    const auto fault = singles.faults.begin() + static_cast<std::ptrdiff_t>(first);
    singles.faults.erase(fault, fault + static_cast<std::ptrdiff_t>(count));
    const auto number = std::next(singles.numbers.begin(), static_cast<std::ptrdiff_t>(first));
    singles.numbers.erase(number, std::next(number, static_cast<std::ptrdiff_t>(count)));
}

// By halves, then by quarters, and at last one by one, until nothing more can be left out: a world
// has hundreds.
template <typename Breaks, typename GoesOn>
void leave_out_singles(Script& script, Breaks still_breaks, GoesOn goes_on) {
    std::size_t count = script.singles->faults.size();
    while (count > 0) {
        bool smaller = false;
        for (std::size_t first = 0; first < script.singles->faults.size() && goes_on();) {
            Script less = script;
            erase(*less.singles, first, std::min(count, less.singles->faults.size() - first));
            if (still_breaks(less)) {
                script = std::move(less);
                smaller = true;
            } else {
                first += count;
            }
        }
        if (!smaller || count > 1) {
            count /= 2;
        }
    }
}

// Kept where a signal handler can read it: nothing may be allocated there.
std::array<char, 4096> world_entered;
std::atomic<std::size_t> world_entered_octets{0};

void write_world(int) {
    const std::size_t octets = world_entered_octets.load();
    if (octets > 0) {
        static_cast<void>(::write(STDERR_FILENO, world_entered.data(), octets) + 1);
    }
}

}  // namespace

void name_world_at_abort() {
    struct sigaction action{};
    action.sa_handler = &write_world;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGABRT, &action, nullptr);
}

void enter_world(const std::string& replay) noexcept {
    constexpr std::string_view before = "campaign: aborted in this world: ";
    const std::size_t shown = std::min(replay.size(), world_entered.size() - before.size() - 1);
    char* end = std::ranges::copy(before, world_entered.data()).out;
    end = std::copy_n(replay.data(), shown, end);
    *end = '\n';
    world_entered_octets = before.size() + shown + 1;
}

void leave_world() noexcept {
    world_entered_octets = 0;
}

void Tally::add(const Evidence& evidence) {
    ++seeds;
    exchanges += evidence.calls.size();
    faults += evidence.faults;
    const auto count = [this](const Outcome& outcome) {
        ++met[static_cast<std::size_t>(verdict_of(outcome))];
        ++causes[static_cast<std::size_t>(outcome.side)]
                [static_cast<std::size_t>(outcome.cause.mechanism)];
    };
    for (const Told& told : evidence.client_told) {
        count(told.outcome);
    }
    for (const Told& told : evidence.server_told) {
        count(told.outcome);
    }
}

Judged run_and_judge(const Script& script, Plant plant) {
    Judged judged{run_world(script, plant), {}};
    judged.violations = judge(script, judged.evidence);
    return judged;
}

Script with_singles(Script script, Plant plant, const std::set<std::size_t>& numbers) {
    script.singles.reset();
    const Evidence evidence = run_world(script, plant);
    script.singles.emplace();
    for (const std::size_t number : numbers) {
        if (number < evidence.simulated_faults.size()) {
            script.singles->numbers.insert(number);
            script.singles->faults.push_back(evidence.simulated_faults[number]);
        }
    }
    return script;
}

Script shrunk(Script script, Plant plant, std::string_view rule, int runs_max) {
    int runs = 0;
    const auto still_breaks = [&](const Script& less) {
        ++runs;
        const Judged judged = run_and_judge(less, plant);
        return std::ranges::any_of(
            judged.violations, [&](const Violation& violation) { return violation.rule == rule; });
    };
    leave_out_faults(script, still_breaks, [&] { return runs < runs_max; });
    std::set<std::size_t> all;
    for (std::size_t number = 0; number < run_world(script, plant).simulated_faults.size();
         ++number) {
        all.insert(number);
    }
    Script by_singles = with_singles(script, plant, all);
    if (all.empty() || !still_breaks(by_singles)) {
        return script;  // It needs what happens by chance, as when the plant changes it.
    }
    leave_out_singles(by_singles, still_breaks, [&] { return runs < runs_max; });
    return by_singles;
}

std::optional<std::uint64_t> caught_by(const PlantRow& plant, std::uint64_t seeds) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        const Script script = script_of(seed, Workload::mixed, plant.over_tls);
        const Judged judged = run_and_judge(script, plant.plant);
        if (std::ranges::any_of(judged.violations, [&](const Violation& violation) {
                return violation.rule == plant.rule;
            })) {
            return seed;
        }
    }
    return std::nullopt;
}

std::string replay_of(const Script& script, Plant plant) {
    std::string command = "bazel run //tests/simulation:campaign -- --seed ";
    command.append(std::to_string(script.seed)).append(" --workload ");
    command.append(name(script.workload));
    if (script.over_tls) {
        command.append(" --tls");
    }
    for (const PlantRow& row : plants()) {
        if (row.plant == plant) {
            command.append(" --plant ").append(row.name);
        }
    }
    if (!script.without.empty()) {
        command.append(" --without ").append(list_of(script.without));
    }
    if (script.singles) {
        command.append(" --only ").append(list_of(script.singles->numbers));
    }
    return command.append(" --trace");
}

std::string faults_of(const Script& script) {
    std::string text;
    for (std::size_t number = 0; number < script.faults.size(); ++number) {
        const FaultKind kind = script.faults[number].kind;
        const bool is_replaced = script.singles && (is_rate(kind) || kind == FaultKind::cut);
        if (script.has(number) && !is_replaced) {
            text.append("    ").append(std::to_string(number)).append(": ");
            text.append(describe(script.faults[number])).append("\n");
        }
    }
    if (script.singles) {
        for (const simulation::Fault& fault : script.singles->faults) {
            text.append("    ").append(simulation::describe(fault)).append("\n");
        }
    }
    return text.empty() ? "    none\n" : text;
}

std::string outcomes_of(const Evidence& evidence) {
    std::string text;
    for (const Call& call : evidence.calls) {
        text.append("call ").append(std::to_string(call.number)).append(": ");
        for (const Outcome& attempt : call.attempts) {
            text.append(attempt.connection.local.text()).append(" ");
            text.append(http::to_json(attempt)).append("\n");
        }
    }
    for (const Told& told : evidence.server_told) {
        text.append("server: ").append(told.outcome.connection.peer.text()).append(" ");
        text.append(http::to_json(told.outcome)).append("\n");
    }
    return text;
}

std::string coverage_of(const Tally& tally) {
    std::string text = "verdicts:\n";
    for (std::size_t index = 0; index < Tally::verdicts; ++index) {
        const auto verdict = static_cast<Verdict>(index);
        append_padded(text, "    " + std::string(id(verdict)), 9);
        append_padded(text, name(verdict), 24);
        text.append(std::to_string(tally.met[index])).append("\n");
    }
    text.append("causes:                 clients   servers\n");
    for (std::size_t index = 0; index < Tally::mechanisms; ++index) {
        append_padded(text, "    " + std::string(name(static_cast<Mechanism>(index))), 24);
        append_padded(text, std::to_string(tally.causes[0][index]), 10);
        text.append(std::to_string(tally.causes[1][index])).append("\n");
    }
    return text;
}

std::string json_of(const Tally& tally) {
    http::JsonWriter json;
    json.begin_object();
    json.key("seeds").number(tally.seeds).key("exchanges").number(tally.exchanges);
    json.key("faults").number(tally.faults).key("violations").number(tally.violations);
    json.key("verdicts").begin_object();
    for (std::size_t index = 0; index < Tally::verdicts; ++index) {
        json.key(id(static_cast<Verdict>(index))).number(tally.met[index]);
    }
    json.end_object();
    for (const http::Side side : {http::Side::client, http::Side::server}) {
        json.key(side == http::Side::client ? "client_causes" : "server_causes").begin_object();
        for (std::size_t index = 0; index < Tally::mechanisms; ++index) {
            json.key(name(static_cast<Mechanism>(index)))
                .number(tally.causes[static_cast<std::size_t>(side)][index]);
        }
        json.end_object();
    }
    json.end_object();
    return json.take();
}

std::string summary_of(const Tally& tally) {
    return "campaign: " + std::to_string(tally.seeds) + " seeds, " +
           std::to_string(tally.exchanges) + " exchanges, " + std::to_string(tally.faults) +
           " faults injected, " + std::to_string(tally.violations) + " violations";
}

}  // namespace sluice::campaign
