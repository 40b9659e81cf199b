#include "sluice/tests/simulation/campaign.h"

#include "sluice/http/json.h"
#include "sluice/http/outcome_json.h"
#include "sluice/tests/simulation/world.h"

#include <algorithm>

namespace sluice::campaign {

namespace {

using http::Mechanism;
using http::Verdict;

void append_padded(std::string& text, std::string_view word, std::size_t columns) {
    text.append(word);
    text.append(columns > word.size() ? columns - word.size() : 1, ' ');
}

}  // namespace

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

Script shrunk(Script script, Plant plant, std::string_view rule) {
    const auto still_breaks = [&] {
        const Judged judged = run_and_judge(script, plant);
        return std::ranges::any_of(
            judged.violations, [&](const Violation& violation) { return violation.rule == rule; });
    };
    bool smaller = true;
    while (smaller) {
        smaller = false;
        for (std::size_t number = 0; number < script.faults.size(); ++number) {
            if (!script.without.insert(number).second) {
                continue;
            }
            if (still_breaks()) {
                smaller = true;
            } else {
                script.without.erase(number);
            }
        }
    }
    return script;
}

std::optional<std::uint64_t> caught_by(const PlantRow& plant, std::uint64_t seeds) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        const Judged judged = run_and_judge(script_of(seed, Workload::mixed), plant.plant);
        if (std::ranges::any_of(judged.violations, [&](const Violation& violation) {
                return violation.rule == plant.rule;
            })) {
            return seed;
        }
    }
    return std::nullopt;
}

std::string without_of(const Script& script) {
    std::string numbers;
    for (const std::size_t number : script.without) {
        numbers.append(numbers.empty() ? "" : ",").append(std::to_string(number));
    }
    return numbers;
}

std::string replay_of(const Script& script, Plant plant) {
    std::string command = "bazel run //tests/simulation:campaign -- --seed ";
    command.append(std::to_string(script.seed)).append(" --workload ");
    command.append(name(script.workload));
    for (const PlantRow& row : plants()) {
        if (row.plant == plant) {
            command.append(" --plant ").append(row.name);
        }
    }
    if (!script.without.empty()) {
        command.append(" --without ").append(without_of(script));
    }
    return command.append(" --trace");
}

std::string faults_of(const Script& script) {
    std::string text;
    for (std::size_t number = 0; number < script.faults.size(); ++number) {
        if (script.has(number)) {
            text.append("    ").append(std::to_string(number)).append(": ");
            text.append(describe(script.faults[number])).append("\n");
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
