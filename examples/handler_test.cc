// handler_test: a handler of yours, tested against what goes wrong in the world.
//
// A simulated world runs the real server and the real client, with a network, a disk and a clock of
// its own. All of it comes from one seed, so a failure comes again; and an exchange takes less than
// a millisecond, so there is time for all that could happen: here a connection that ends at every
// octet of an upload, and a machine that loses power at any moment.

#include "sluice/runtime/simulation/run.h"
#include "sluice/sluice.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

using namespace sluice;
using namespace std::chrono_literals;

// The handler under test: what is PUT is kept, whole and for good, or not at all.
Task<> store(http::Request& request, http::Responder& responder) {
    AtomicFile file("/store" + std::string(request.path()));
    const Result<std::uint64_t> stored = co_await forward(request.body(), file);
    if (stored) {
        responder.respond(http::Status::created);
    }
}

const std::string film = "A man walks out of a house, and the camera stays.";

Task<> serve(http::Server& server) {
    const Result<void> served = co_await server.listen(Endpoint::loopback(80));
    CHECK(served);
}

// One upload, from the client's first octet until both sides have come to rest.
Task<http::Fetched> upload(Loop& loop) {
    http::Server server(loop, store);
    http::Client client(loop);
    Scope serving(loop);
    serving.spawn(serve(server));
    const http::ClientRequest request = http::put("http://127.0.0.1/film").content(film);
    http::Fetched answer = co_await client.fetch(request);
    co_await client.close();
    server.drain(1s);
    co_await serving.join();
    co_return answer;
}

struct Seen {
    bool was_promised;                // The client was told that it is stored.
    std::optional<std::string> kept;  // What the store has.
    std::vector<simulation::Fault> faults;
};

Task<Seen> upload_and_look(simulation::World& world) {
    world.backend.disk().make_directory("/store");
    const http::Fetched answer = co_await upload(world.loop);
    co_return Seen{answer.status() == http::Status::created,
                   world.backend.disk().contents("/store/film"), world.backend.faults()};
}

void check(const Seen& seen) {
    INFO(simulation::describe(seen.faults));
    CHECK((seen.kept == film || !seen.kept));
    CHECK((seen.kept == film || !seen.was_promised));
}

TEST_CASE("store: a client that goes at any octet of its upload leaves nothing half-written") {
    using enum simulation::CutKind;
    const simulation::CutKind kind = GENERATE(reset, fin, silence);
    for (std::uint64_t octet = 0;; ++octet) {
        const simulation::Options options{.cuts = {{.after_octets = octet, .kind = kind}}};
        const Seen seen = simulation::run(options, upload_and_look);
        check(seen);
        if (seen.faults.empty()) {  // The upload was over before.
            CHECK(seen.was_promised);
            break;
        }
    }
}

Task<Seen> upload_until_power_is_lost(simulation::World& world, Duration moment,
                                      std::optional<simulation::DiskImage>& left) {
    simulation::Disk& disk = world.backend.disk();
    world.backend.at(world.loop.now() + moment, [&] {
        simulation::Random random(static_cast<std::uint64_t>(moment.count()));
        left = disk.crash(random);
        disk.power_off();
    });
    Seen seen = co_await upload_and_look(world);
    seen.kept = left ? left->contents("/store/film") : seen.kept;
    co_return seen;
}

TEST_CASE("store: what it has promised survives a loss of power, and the rest was never there") {
    for (Duration moment{};; moment += 5us) {
        std::optional<simulation::DiskImage> left;
        const Seen seen = simulation::run({}, [&](simulation::World& world) {
            return upload_until_power_is_lost(world, moment, left);
        });
        check(seen);
        if (!left) {  // The upload was over before.
            CHECK(seen.was_promised);
            CHECK(moment > 0us);
            break;
        }
    }
}

TEST_CASE("store: whatever else goes wrong, it keeps all or nothing, and its promises") {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        check(simulation::run(simulation::hostile(seed), upload_and_look));
    }
}
