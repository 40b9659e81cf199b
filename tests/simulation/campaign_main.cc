// campaign: runs simulated worlds and judges what was told of them.
//
//     campaign --seeds FROM..TO [--workload upload|download|proxy|store|mixed] [--plant NAME]
//     campaign --for SECONDS --base random|NUMBER
//     campaign --seed N [--without 3,7] [--only 12,40] [--trace]
//     campaign --tls with any of these: all hosts speak TLS
//     campaign --list-plants, campaign --list-rules
//     campaign --catch-plants, which tells the seed that catches each
//
// With --json its report is one object. The last line is always
// "campaign: S seeds, E exchanges, F faults injected, V violations"; 0 is the status for V = 0.

#include "sluice/tests/simulation/campaign.h"
#include "sluice/tests/simulation/world.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::campaign {
namespace {

constexpr int reports_max = 5;
constexpr std::uint64_t plant_seeds_max = 1000;

struct Command {
    std::uint64_t from = 0;
    std::uint64_t to = 0;  // One past the last.
    std::optional<std::uint64_t> seconds;
    Workload workload = Workload::mixed;
    const PlantRow* plant = nullptr;
    std::set<std::size_t> without;
    std::optional<std::set<std::size_t>> only;
    bool over_tls = false;
    bool traces = false;
    bool as_json = false;
    bool lists_plants = false;
    bool lists_rules = false;
    bool catches_plants = false;
};

bool read(std::string_view text, std::uint64_t& number) {
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stopped == end && !text.empty();
}

bool read_seeds(std::string_view text, Command& command) {
    const std::size_t dots = text.find("..");
    return dots != std::string_view::npos && read(text.substr(0, dots), command.from) &&
           read(text.substr(dots + 2), command.to) && command.from <= command.to;
}

bool read_list(std::string_view text, std::set<std::size_t>& numbers) {
    while (!text.empty() && text != "none") {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::uint64_t number = 0;
        if (!read(text.substr(0, comma), number)) {
            return false;
        }
        numbers.insert(number);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return true;
}

bool read_base(std::string_view text, Command& command) {
    if (text != "random") {
        return read(text, command.from);
    }
    // Below what a script multiplies seeds by, so that no two of them meet.
    command.from = std::random_device()() * std::uint64_t{1000};
    return true;
}

bool read_option(std::string_view option, std::string_view value, Command& command) {
    if (option == "--seeds") {
        return read_seeds(value, command);
    }
    if (option == "--seed") {
        const bool is_read = read(value, command.from);
        command.to = command.from + 1;
        return is_read;
    }
    if (option == "--for") {
        return read(value, command.seconds.emplace());
    }
    if (option == "--base") {
        return read_base(value, command);
    }
    if (option == "--without") {
        return read_list(value, command.without);
    }
    if (option == "--only") {
        return read_list(value, command.only.emplace());
    }
    if (option == "--workload") {
        const std::optional<Workload> workload = workload_of(value);
        command.workload = workload.value_or(Workload::mixed);
        return workload.has_value();
    }
    if (option == "--plant") {
        command.plant = find_plant(value);
        return command.plant != nullptr;
    }
    return false;
}

bool read_command(std::span<char*> arguments, Command& command) {
    for (std::size_t index = 1; index < arguments.size(); ++index) {
        const std::string_view option = arguments[index];
        if (option == "--trace") {
            command.traces = true;
        } else if (option == "--tls") {
            command.over_tls = true;
        } else if (option == "--json") {
            command.as_json = true;
        } else if (option == "--list-plants") {
            command.lists_plants = true;
        } else if (option == "--catch-plants") {
            command.catches_plants = true;
        } else if (option == "--list-rules") {
            command.lists_rules = true;
        } else if (index + 1 == arguments.size() ||
                   !read_option(option, arguments[index + 1], command)) {
            return false;
        } else {
            ++index;
        }
    }
    return true;
}

void say(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void report(const Script& script, Plant plant, const std::vector<Violation>& violations) {
    const Violation& first = violations.front();
    const Script less = shrunk(script, plant, first.rule);
    std::string text = "violation of " + std::string(first.rule) + " by seed " +
                       std::to_string(script.seed) + ": " + first.what + "\n";
    for (const Violation& violation : violations) {
        text.append("  ").append(violation.rule).append(": ").append(violation.what).append("\n");
    }
    text.append("  replay: ").append(replay_of(less, plant)).append("\n");
    text.append("  with these faults only:\n").append(faults_of(less));
    say(text);
}

void show_plants() {
    for (const PlantRow& row : plants()) {
        say(std::string(row.name) + " (" + std::string(row.rule) + "): " + std::string(row.lie) +
            "\n");
    }
}

int catch_plants() {
    int status = 0;
    for (const PlantRow& row : plants()) {
        const std::optional<std::uint64_t> seed = caught_by(row, plant_seeds_max);
        say(std::string(row.name) + " (" + std::string(row.rule) +
            "): " + (seed ? "caught by seed " + std::to_string(*seed) : "not caught") + "\n");
        status = seed ? status : 1;
    }
    return status;
}

void show_rules() {
    for (const Rule& rule : rules()) {
        say(std::string(rule.name) + ": " + std::string(rule.statement) + "\n");
    }
}

int run(const Command& command) {
    const Plant plant = command.plant == nullptr ? Plant::none : command.plant->plant;
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(command.seconds.value_or(0));
    if (command.seconds) {
        say("base seed: " + std::to_string(command.from) + "\n");
    }
    Tally tally;
    int reports = 0;
    const auto goes_on = [&](std::uint64_t seed) {
        return command.seconds ? std::chrono::steady_clock::now() < end : seed < command.to;
    };
    for (std::uint64_t seed = command.from; goes_on(seed); ++seed) {
        Script script = script_of(seed, command.workload, command.over_tls);
        script.without = command.without;
        if (command.only) {
            script = with_singles(script, plant, *command.only);
        }
        enter_world(replay_of(script, plant));
        if (command.traces) {
            std::string trace;
            const Evidence evidence = run_world(script, plant, &trace);
            say(trace + outcomes_of(evidence) + "faults:\n" + faults_of(script));
        }
        const Judged judged = run_and_judge(script, plant);
        tally.add(judged.evidence);
        if (!judged.violations.empty() && ++reports <= reports_max) {
            report(script, plant, judged.violations);
        } else if (!judged.violations.empty()) {  // Not shrunk, for its time; but not lost.
            say("violation of " + std::string(judged.violations.front().rule) + " by seed " +
                std::to_string(seed) + "\n");
        }
        tally.violations += judged.violations.size();
    }
    leave_world();
    say(command.as_json ? json_of(tally) + "\n" : coverage_of(tally));
    say(summary_of(tally) + "\n");
    return tally.violations == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sluice::campaign

int main(int count, char** arguments) {
    using namespace sluice::campaign;
    Command command;
    if (!read_command({arguments, static_cast<std::size_t>(count)}, command)) {
        std::fputs(
            "usage: campaign --seeds FROM..TO | --seed N [--without 3,7] [--only 12,40]\n"
            "                [--trace] |\n"
            "                --for SECONDS --base random|NUMBER | --list-plants | --list-rules |\n"
            "                --catch-plants\n"
            "       [--workload upload|download|proxy|store|mixed] [--plant NAME] [--tls] "
            "[--json]\n",
            stderr);
        return 2;
    }
    if (command.lists_plants || command.lists_rules) {
        command.lists_plants ? show_plants() : show_rules();
        return 0;
    }
    name_world_at_abort();
    return command.catches_plants ? catch_plants() : run(command);
}
