// A whole exchange in a hostile world is one run of one seed: every operation, every fault, and
// what either side is told of it.

#include "sluice/http/client.h"
#include "sluice/http/outcome_json.h"
#include "sluice/http/server.h"
#include "sluice/runtime/atomic_file.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/support/simulation.h"

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::Outcome;
using simulation::Fault;
using simulation::Options;

class Told final : public http::OutcomeObserver {
public:
    explicit Told(std::string& text) : text_(text) {}
    void exchange_ended(const Outcome& outcome) override { text_ += http::to_json(outcome) + "\n"; }

private:
    std::string& text_;
};

Task<> store(http::Request& request, http::Responder& responder) {
    AtomicFile file("/tmp/film");
    const sluice::Result<std::uint64_t> stored = co_await forward(request.body(), file);
    if (stored) {
        responder.respond(http::Status::created);
    }
}

Task<> serve(http::Server& server) {
    const Result<void> served = co_await server.listen(Endpoint::loopback(80));
    CHECK(served);
}

Task<> upload(Loop& loop, std::string& told) {
    Told observer(told);
    http::Server server(loop, store);
    http::Client client(loop);
    server.observe(&observer);
    client.observe(&observer);
    Scope serving(loop);
    serving.spawn(serve(server));
    const http::ClientRequest request =
        http::put("http://127.0.0.1/film").content(std::string(3000, 'x'));
    for (int times = 0; times < 3; ++times) {
        const http::Fetched fetched = co_await client.fetch(request);
        CHECK(!fetched.attempts.empty());
    }
    co_await client.close();
    server.drain(std::chrono::seconds(1));
    co_await serving.join();
}

struct Ran {
    std::string trace;
    std::string told;  // Both sides' outcomes, as JSON.
    std::vector<Fault> faults;
};

Ran run(Options options) {
    Ran ran;
    options.trace = &ran.trace;
    simulation::SimulatedBackend backend(options);
    Loop loop(backend);
    block_on(loop, upload(loop, ran.told));
    ran.faults = backend.faults();
    return ran;
}

TEST_CASE("simulation: whole exchanges are one run of one seed, outcomes and all",
          "[http][simulation]") {
    std::set<std::string> traces;
    for_each_seed(100, [&](std::uint64_t seed) {
        const Ran first = run(simulation::hostile(seed));
        const Ran elsewhere = run(simulation::hostile(seed + 1));  // Memory is laid out otherwise.
        const Ran again = run(simulation::hostile(seed));
        CHECK((again.trace == first.trace));
        CHECK(again.told == first.told);
        CHECK((first.trace != elsewhere.trace));
        traces.insert(first.trace);
    });
    CHECK(traces.size() == 100);
}

TEST_CASE("simulation: whole exchanges are one run of the faults that they met, without a draw",
          "[http][simulation]") {
    std::size_t faults = 0;
    for_each_seed(100, [&](std::uint64_t seed) {
        Options options = simulation::hostile(seed);
        const Ran drawn = run(options);
        faults += drawn.faults.size();
        options.script = drawn.faults;
        const Ran scripted = run(options);
        CHECK((scripted.trace == drawn.trace));
        CHECK(scripted.told == drawn.told);
    });
    CHECK(faults > 100);
}

}  // namespace
}  // namespace sluice::tests
