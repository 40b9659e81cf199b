#include "sluice/tests/simulation/world.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/tests/simulation/client_host.h"
#include "sluice/tests/simulation/liar.h"
#include "sluice/tests/simulation/origin_host.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace sluice::campaign {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::string_view origin_at = "10.0.0.1:80";

// The hosts, and what ends them when nothing else can.
struct Hosts {
    explicit Hosts(Loop& loop) : serving(loop), visiting(loop) {}

    Scope serving;
    Scope visiting;
};

// Some of a client's exchanges, one after another.
Task<> ask_some(World& world, ClientHost& client, std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t number = first; number < last; ++number) {
        const Plan plan = plan_of(world.script, world.script.workload, number);
        if (plan.think > Duration(0)) {
            co_await sleep_for(plan.think);
        }
        co_await client.ask("10.0.0.1", Host::origin, number, plan);
    }
}

Task<> drain_later(World& world, OriginHost& origin, std::uint64_t milliseconds_later) {
    co_await sleep_for(milliseconds(milliseconds_later));
    world.evidence.drained_at = world.now();
    world.something_went_wrong();
    origin.drain(milliseconds(world.random.below(30)));
}

Task<> close_later(World& world, ClientHost& client, std::uint64_t milliseconds_later) {
    co_await sleep_for(milliseconds(milliseconds_later));
    world.evidence.client_closed_at = world.now();
    world.something_went_wrong();
    co_await client.client().close();
}

Task<> perform(World& world, Hosts& hosts) {
    OriginHost origin(world, world.script.workload);
    ClientHost client(world, false, client_options_of(world.script));
    hosts.serving.spawn(origin.serve(origin_at));
    const Fault* const drain = world.script.find(FaultKind::drain);
    if (drain != nullptr) {
        hosts.visiting.spawn(drain_later(world, origin, drain->amount));
    }
    const Fault* const close = world.script.find(FaultKind::close_client);
    if (close != nullptr) {
        hosts.visiting.spawn(close_later(world, client, close->amount));
    }
    const std::uint32_t lanes = static_cast<std::uint32_t>(world.random.between(1, 3));
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        hosts.visiting.spawn(
            ask_some(world, client, calls_max * lane / lanes, calls_max * (lane + 1) / lanes));
    }
    co_await hosts.visiting.join();
    if (world.evidence.client_closed_at == never) {
        world.evidence.client_closed_at = world.now();
    }
    co_await client.client().close();
    if (world.evidence.drained_at == never) {
        world.evidence.drained_at = world.now();
    }
    origin.drain(hours(1));
    co_await hosts.serving.join();
    world.evidence.ended = world.now();
}

std::string leaks_of(const simulation::SimulatedBackend& backend) {
    std::string leaks;
    if (backend.operations_in_flight() > 0) {
        leaks.append(std::to_string(backend.operations_in_flight())).append(" operations ");
    }
    if (backend.descriptors_open() > 0) {
        leaks.append(std::to_string(backend.descriptors_open())).append(" descriptors ");
    }
    if (backend.buffers_lent() > 0) {
        leaks.append(std::to_string(backend.buffers_lent())).append(" buffers ");
    }
    return leaks;
}

// A simulator that says that a wait could never end: whoever waits is asked to stop.
class Watchman {
public:
    Watchman(Evidence& evidence, Liar& liar) : evidence_(evidence), liar_(liar) {}

    void called(const std::string& report, Hosts& hosts) {
        evidence_.simulator_reports.push_back(report);
        liar_.let_go();
        hosts.visiting.request_stop();
        hosts.serving.request_stop();
        if (evidence_.simulator_reports.size() > reports_max) {
            std::fputs(report.c_str(), stderr);
            std::abort();  // It cannot be brought to an end.
        }
    }

private:
    static constexpr std::size_t reports_max = 100;

    Evidence& evidence_;
    Liar& liar_;
};

}  // namespace

Evidence run_world(const Script& script, Plant plant, std::string* trace) {
    Evidence evidence;
    simulation::Options options = options_of(script);
    options.trace = trace;
    evidence.is_cut = !options.cuts.empty();
    simulation::SimulatedBackend backend(options);
    {
        Wiretap tap(backend);
        Liar liar(tap, plant);
        Loop loop(plant == Plant::none ? static_cast<Backend&>(tap) : liar);
        World world(script, plant, loop, tap, evidence);
        Hosts hosts(loop);
        Watchman watchman(evidence, liar);
        backend.on_violation([&](const std::string& report) { watchman.called(report, hosts); });
        block_on(loop, perform(world, hosts));
        evidence.wire = tap.connections();
        evidence.connect_errors = tap.connect_errors();
        evidence.faults += backend.faults().size();
        evidence.leaks = leaks_of(backend);
        liar.clean_up();
    }
    return evidence;
}

}  // namespace sluice::campaign
