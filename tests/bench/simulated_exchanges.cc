// simulated_exchanges WORLDS [EXCHANGES]: how fast simulated worlds go by, each with a client, a
// server, and a few uploads to a disk, under faults of all kinds.
//
// Prints `worlds W exchanges E faults F seconds S`. The campaigns of tests/simulation live on it.

#include "sluice/http/client.h"
#include "sluice/http/server.h"
#include "sluice/runtime/atomic_file.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace sluice;
using namespace std::chrono_literals;

Task<> store(http::Request& request, http::Responder& responder) {
    AtomicFile file("/tmp/film");
    const sluice::Result<std::uint64_t> stored = co_await forward(request.body(), file);
    if (stored) {
        responder.respond(http::Status::created);
    }
}

Task<> serve(http::Server& server) {
    const Result<void> served = co_await server.listen(Endpoint::loopback(80));
    (void)served;
}

Task<std::size_t> upload(simulation::World& world, std::uint64_t exchanges) {
    http::Server server(world.loop, store);
    http::Client client(world.loop);
    Scope serving(world.loop);
    serving.spawn(serve(server));
    const http::ClientRequest request =
        http::put("http://127.0.0.1/film").content(std::string(1000, 'x'));
    for (std::uint64_t sent = 0; sent < exchanges; ++sent) {
        const http::Fetched fetched = co_await client.fetch(request);
        (void)fetched;
    }
    co_await client.close();
    server.drain(1s);
    co_await serving.join();
    co_return world.backend.faults().size();
}

}  // namespace

int main(int count, char** arguments) {
    const std::uint64_t worlds = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1000;
    const std::uint64_t exchanges = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 4;
    const auto begin = std::chrono::steady_clock::now();
    std::size_t faults = 0;
    for (std::uint64_t seed = 0; seed < worlds; ++seed) {
        faults += simulation::run(simulation::hostile(seed), [exchanges](simulation::World& world) {
            return upload(world, exchanges);
        });
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("worlds %llu exchanges %llu faults %zu seconds %.3f\n",
                static_cast<unsigned long long>(worlds),
                static_cast<unsigned long long>(worlds * exchanges), faults, took.count());
}
