#include "sluice/runtime/watchdog.h"

#include "sluice/runtime/loop.h"
#include "sluice/runtime/signals.h"
#include "sluice/runtime/thread_stack.h"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

namespace sluice {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int looks_per_limit = 4;

// What was seen of a loop.
struct Seen {
    std::uint64_t beat = 0;
    Clock::time_point since;
    bool is_reported = false;
};

void tell(const Stall& stall) {
    std::fputs(describe(stall).c_str(), stderr);
}

}  // namespace

std::string describe(const Stall& stall) {
    char duration[32];
    std::snprintf(duration, sizeof duration, "%.3f s",
                  std::chrono::duration<double>(stall.at_least).count());
    std::string text = "a task keeps its loop for ";
    text.append(duration).append(": ");
    text.append(stall.task.empty() ? "it is not known which" : stall.task).append("\n");
    for (const std::string& function : stall.stack) {
        text.append("  ").append(function).append("\n");
    }
    return text;
}

Watchdog::Watchdog(WatchdogOptions options) : options_(std::move(options)) {
    if (!options_.report) {
        options_.report = tell;
    }
    const SignalsHeld held;
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

Watchdog::~Watchdog() = default;

void Watchdog::watch(const std::stop_token& stop) {
    std::map<const Loop*, Seen> loops;
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        std::vector<Stall> stalls;
        std::map<const Loop*, Seen> now;
        Loop::for_each([&](Loop& loop) {
            Seen& seen = now[&loop] = loops[&loop];
            const std::uint64_t beat = loop.beat();
            const Clock::time_point time = Clock::now();
            if (seen.beat != beat) {
                seen = {beat, time, false};
            }
            const bool runs = beat % 2 == 1;
            if (runs && !seen.is_reported && time - seen.since >= options_.limit) {
                seen.is_reported = true;
                ThreadStack stack = stack_of_thread(loop.thread());
                stalls.push_back(
                    {std::move(stack.task), time - seen.since, std::move(stack.functions)});
            }
        });
        loops = std::move(now);
        for (const Stall& stall : stalls) {
            options_.report(stall);
        }
        looks_.fetch_add(1, std::memory_order_release);
        stopped.wait_for(lock, stop, options_.limit / looks_per_limit, [] { return false; });
    }
}

}  // namespace sluice
