#include "sluice/tests/simulation/world.h"

#include "sluice/http/retry.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/tests/simulation/attacker.h"
#include "sluice/tests/simulation/client_host.h"
#include "sluice/tests/simulation/liar.h"
#include "sluice/tests/simulation/origin_host.h"
#include "sluice/tests/simulation/proxy_host.h"
#include "sluice/tests/simulation/raw_peers.h"
#include "sluice/tests/simulation/store_host.h"

#include <algorithm>
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
constexpr std::string_view proxy_at = "10.0.0.2:80";
constexpr std::string_view store_at = "10.0.0.3:80";
constexpr std::string_view raw_at = "10.0.0.4:80";

std::string url_of(const World& world, const Plan& plan, std::uint32_t number) {
    const std::string target = "/e/" + std::to_string(number);
    switch (plan.to) {
        case Host::origin: break;
        case Host::raw: return world.url("10.0.0.4", target);
        case Host::proxy: return world.url("10.0.0.2", target);
        case Host::store: return world.url("10.0.0.3", "/o/" + StoreHost::name_of(number));
    }
    return world.url("10.0.0.1", target);
}

// The scopes, which can end a world when nothing else can.
struct Scopes {
    explicit Scopes(Loop& loop) : serving(loop), raw(loop), visiting(loop) {}

    Scope serving;
    Scope raw;
    Scope visiting;
};

struct Hosts {
    explicit Hosts(World& world)
        : origin(world, world.script.workload),
          proxy(world),
          store(world),
          raw(world),
          client(world) {}

    OriginHost origin;
    ProxyHost proxy;
    StoreHost store;
    RawServer raw;
    ClientHost client;
};

void note_stored(const Call& call, Stored& stored) {
    const bool is_answered =
        call.outcomes > 0 && call.outcome.receive.phase == http::ReceivePhase::complete;
    const bool is_confirmed = call.outcome.status == http::Status::created ||
                              call.outcome.status == http::Status::no_content;
    stored.confirmed_at = is_answered && is_confirmed ? call.ended : never;
    stored.octets = call.declared.value_or(call.sent.octets);
    stored.is_whole = call.sent.ended || call.sent.octets >= stored.octets;
}

// The plant that sends again what may have been executed.
bool is_sent_again(const World& world, const Call& call) {
    return world.plant == Plant::executed_twice && !call.let_go &&
           http::retry_class_of(call.outcome) == http::RetryClass::idempotent_only &&
           call.method == http::Method::post;
}

// Some of a client's exchanges, one after another.
Task<> ask_some(World& world, ClientHost& client, std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t number = first; number < last; ++number) {
        const Plan plan = plan_of(world.script, world.script.workload, number);
        if (plan.think > Duration(0)) {
            co_await sleep_for(plan.think);
        }
        Stored* stored = nullptr;
        if (plan.to == Host::store) {
            stored = &world.evidence.stored.emplace_back();
            stored->name = StoreHost::name_of(number);
            stored->began = world.now();
            stored->digest = digest_of(content_of(plan.request_seed, plan.request_octets));
        }
        const Call* const call = co_await client.ask(url_of(world, plan, number), number, plan);
        if (stored != nullptr) {
            note_stored(*call, *stored);
        }
        if (is_sent_again(world, *call)) {
            co_await client.ask(url_of(world, plan, number), number, plan);
        }
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

// What befalls whole hosts.
void begin_disasters(World& world, Hosts& hosts, Scope& visiting) {
    if (const Fault* const drain = world.script.find(FaultKind::drain)) {
        visiting.spawn(drain_later(world, hosts.origin, drain->amount));
    }
    if (const Fault* const close = world.script.find(FaultKind::close_client)) {
        visiting.spawn(close_later(world, hosts.client, close->amount));
    }
    if (const Fault* const crash = world.script.find(FaultKind::crash)) {
        world.backend.at(world.now() + milliseconds(crash->amount), [&world, &hosts] {
            world.something_went_wrong();
            hosts.store.crash();
        });
    }
}

Task<> perform(World& world, Scopes& scopes) {
    Hosts hosts(world);
    scopes.serving.spawn(hosts.origin.serve(origin_at));
    scopes.serving.spawn(hosts.proxy.serve(proxy_at));
    scopes.serving.spawn(hosts.store.serve(store_at));
    scopes.raw.spawn(hosts.raw.serve(raw_at));
    begin_disasters(world, hosts, scopes.visiting);
    if (world.script.workload == Workload::mixed && world.random.chance(60)) {
        scopes.visiting.spawn(visit_rudely(world, "10.0.0.1"));
    }
    const auto lanes = static_cast<std::uint32_t>(world.random.between(1, 3));
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        scopes.visiting.spawn(ask_some(world, hosts.client, calls_max * lane / lanes,
                                       calls_max * (lane + 1) / lanes));
    }
    co_await scopes.visiting.join();
    world.evidence.client_closed_at = std::min(world.evidence.client_closed_at, world.now());
    co_await hosts.client.client().close();
    world.evidence.drained_at = std::min(world.evidence.drained_at, world.now());
    hosts.proxy.drain(hours(1));
    hosts.store.drain(hours(1));
    hosts.origin.drain(hours(1));
    co_await scopes.serving.join();
    scopes.raw.request_stop();
    co_await scopes.raw.join();
    co_await hosts.proxy.close();
    hosts.store.crash();
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

    void called(const std::string& report, Scopes& scopes) {
        evidence_.simulator_reports.push_back(report);
        liar_.let_go();
        scopes.visiting.request_stop();
        scopes.serving.request_stop();
        scopes.raw.request_stop();
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
        std::unique_ptr<TlsWorld> tls;
        if (script.over_tls) {
            tls = std::make_unique<TlsWorld>(script);
        }
        Attacker attacker(backend, script);
        Wiretap tap(attacker, tls != nullptr ? &tls->ledger() : nullptr);
        attacker.tell(tap);
        Liar liar(tap, plant);
        Loop loop(plant == Plant::none ? static_cast<Backend&>(tap) : liar);
        World world(script, plant, backend, loop, tap, evidence, tls.get());
        Scopes scopes(loop);
        Watchman watchman(evidence, liar);
        backend.on_violation([&](const std::string& report) { watchman.called(report, scopes); });
        block_on(loop, perform(world, scopes));
        for (const auto& [port, connection] : tap.connections()) {
            evidence.wire[port] = tap.in_plaintext(connection);
        }
        evidence.connect_errors = tap.connect_errors();
        evidence.faults += backend.faults().size() + attacker.flips();
        evidence.simulated_faults = backend.faults();
        evidence.leaks = leaks_of(backend);
        liar.clean_up();
    }
    return evidence;
}

}  // namespace sluice::campaign
