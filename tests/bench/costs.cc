// costs: what small things cost with Sluice, with Boost.Asio and with libuv, in turn in one run.
//
// Prints a table of medians in nanoseconds, and of each library's to Sluice's.

#include "sluice/tests/bench/costs.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace sluice::bench {

const char* cached_file() {
    static const std::string path = [] {
        std::string made = "/tmp/sluice_costs_XXXXXX";
        const int fd = ::mkstemp(made.data());
        const std::string content(file_blocks * file_block_octets, 'x');
        if (fd < 0 || ::write(fd, content.data(), content.size()) < 0) {
            std::perror("costs: cannot write a file");
            std::exit(1);
        }
        ::close(fd);
        return made;
    }();
    return path.c_str();
}

namespace {

constexpr int rounds = 7;

struct Row {
    const char* what;
    Cost Costs::* cost;
    std::size_t count;
};

constexpr std::array rows = {
    Row{"await a task that returns at once", &Costs::await_a_task, 3'000'000},
    Row{"resume a task from the run queue", &Costs::resume_from_queue, 2'000'000},
    Row{"post to a sleeping thread, and back", &Costs::post_there_and_back, 20'000},
    Row{"post to a busy thread", &Costs::post_one_way, 500'000},
    Row{"bounded channel, one thread", &Costs::channel_one_thread, 1'000'000},
    Row{"bounded channel, two threads", &Costs::channel_two_threads, 300'000},
    Row{"mutex handed from task to task", &Costs::mutex_hand_off, 500'000},
    Row{"timer set and cancelled", &Costs::timer_set_and_cancel, 3'000'000},
    Row{"4 KiB read from a cached file", &Costs::file_read, 50'000},
    Row{"TCP ping-pong of 64 octets", &Costs::tcp_ping_pong, 30'000},
};

double median(std::vector<double> samples) {
    std::sort(samples.begin(), samples.end());
    return samples[samples.size() / 2];
}

std::string cell(double cost, double own) {
    if (cost == 0) {
        return "-";
    }
    std::array<char, 64> text;
    const int octets = std::snprintf(text.data(), text.size(), "%.0f (%.1f)", cost, cost / own);
    return {text.data(), static_cast<std::size_t>(octets)};
}

void measure(const Row& row) {
    const std::array<Costs, 3> libraries = {sluice_costs(), asio_costs(), uv_costs()};
    std::array<std::vector<double>, 3> samples;
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t index = 0; index < libraries.size(); ++index) {
            if (const Cost cost = libraries[index].*row.cost) {
                samples[index].push_back(cost(row.count));
            }
        }
    }
    std::array<double, 3> costs{};
    for (std::size_t index = 0; index < samples.size(); ++index) {
        costs[index] = samples[index].empty() ? 0 : median(samples[index]);
    }
    std::printf("| %s | %.0f | %s | %s |\n", row.what, costs[0], cell(costs[1], costs[0]).c_str(),
                cell(costs[2], costs[0]).c_str());
    std::fflush(stdout);
}

}  // namespace
}  // namespace sluice::bench

int main() {
    std::printf("| ns, and of Sluice's | Sluice | Boost.Asio | libuv |\n|---|---|---|---|\n");
    for (const sluice::bench::Row& row : sluice::bench::rows) {
        sluice::bench::measure(row);
    }
    ::unlink(sluice::bench::cached_file());
    return 0;
}
