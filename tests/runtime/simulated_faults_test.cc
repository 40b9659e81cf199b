// What goes wrong in a simulated world can be told, counted, and made to go wrong again.

#include "sluice/runtime/simulation/fault.h"

#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/tests/runtime/contract.h"
#include "sluice/tests/support/simulation.h"

#include <algorithm>
#include <array>
#include <set>

namespace sluice::tests {
namespace {

using simulation::Cut;
using simulation::CutKind;
using simulation::Direction;
using simulation::Fault;
using simulation::FaultKind;
using simulation::hostile;
using simulation::Options;
using simulation::SimulatedBackend;

struct Ran {
    std::string trace;
    std::vector<Fault> faults;
};

bool connects(SimulatedBackend& backend, int fd, const Endpoint& to) {
    Recorded connecting(backend, Connect{fd, &to});
    while (!connecting.ended) {
        backend.wait(never);
    }
    return connecting.last() == 0;
}

// Sends a few octets one way, if a connection comes to be.
void send_some(SimulatedBackend& backend, int listener) {
    const Endpoint to = backend.local_endpoint(listener);
    const Result<int> client = backend.open_socket(AF_INET);
    if (!client) {
        return;
    }
    Recorded accepting(backend, Accept{listener});
    if (connects(backend, *client, to)) {
        send(backend, *client, "a few octets");
    }
    backend.wait(backend.now() + std::chrono::milliseconds(50));
    accepting.cancel();
    REQUIRE(ends(backend, accepting));
    for (const std::int32_t fd : accepting.results) {
        if (fd >= 0) {
            Recorded receiving(backend, Receive{fd});
            backend.wait(backend.now() + std::chrono::milliseconds(50));
            receiving.cancel();
            REQUIRE(ends(backend, receiving));
            backend.close(fd);
        }
    }
    backend.close(*client);
}

void write_some(SimulatedBackend& backend) {
    const std::int32_t fd = result_of(backend, Open{"/tmp/file", O_CREAT | O_RDWR, 0600});
    if (fd < 0) {
        return;
    }
    std::array<std::byte, 10> octets{};
    result_of(backend, Write{fd, octets, 0});
    result_of(backend, Sync{fd});
    result_of(backend, Read{fd, octets, 0});
    backend.close(fd);
    result_of(backend, Remove{"/tmp/file"});
}

Ran run(Options options) {
    Ran ran;
    options.trace = &ran.trace;
    SimulatedBackend backend(options);
    const int listener = backend.listen(Endpoint::loopback(80), {}).value();
    for (int times = 0; times < 3; ++times) {
        send_some(backend, listener);
        write_some(backend);
    }
    backend.close(listener);
    ran.faults = backend.faults();
    return ran;
}

TEST_CASE("faults: given back as a script they make the same run, to the octet of its trace",
          "[runtime][simulation]") {
    std::size_t faults = 0;
    for_each_seed(seeds_usual, [&](std::uint64_t seed) {
        const Ran drawn = run(hostile(seed));
        faults += drawn.faults.size();
        Options scripted = hostile(seed);
        scripted.script = drawn.faults;
        const Ran again = run(scripted);
        CHECK((again.trace == drawn.trace));
        CHECK((again.faults == drawn.faults));
    });
    CHECK(faults > 1000);
}

TEST_CASE("faults: a script with one left out makes none but the others", "[runtime][simulation]") {
    for_each_seed(100, [&](std::uint64_t seed) {
        Options scripted = hostile(seed);
        std::vector<Fault> script = run(scripted).faults;
        while (!script.empty()) {
            script.erase(script.begin() + static_cast<std::ptrdiff_t>(seed % script.size()));
            scripted.script = script;
            for (const Fault& fault : run(scripted).faults) {
                CHECK(std::ranges::any_of(script, [&](const Fault& given) {
                    return given.kind == fault.kind && given.number == fault.number &&
                           given.direction == fault.direction;
                }));
            }
        }
        CHECK(run(scripted).faults.empty());
    });
}

TEST_CASE("faults: every kind happens in some world", "[runtime][simulation]") {
    std::set<FaultKind> seen;
    for_each_seed(seeds_usual, [&](std::uint64_t seed) {
        Options options = hostile(seed);
        options.disk.sync_lie_percent = 1;
        for (const Fault& fault : run(options).faults) {
            seen.insert(fault.kind);
        }
    });
    CHECK(seen.size() == simulation::fault_kinds);
}

TEST_CASE("faults: a world without them has none, whatever its seed", "[runtime][simulation]") {
    for_each_seed(20, [](std::uint64_t seed) { CHECK(run({.seed = seed}).faults.empty()); });
}

TEST_CASE("faults: a cut is told when it comes to it, with its connection, octet and instant",
          "[runtime][simulation]") {
    const Cut reached{.after_octets = 4, .kind = CutKind::fin};
    const Cut never_reached{.connection = 1, .after_octets = 40, .kind = CutKind::reset};
    SimulatedBackend backend({.cuts = {reached, never_reached}});
    Pair pair(backend);
    CHECK(backend.faults().empty());
    const Instant before = backend.now();
    send(backend, pair.client, "four and more");
    REQUIRE(backend.faults().size() == 1);
    const Fault& fault = backend.faults().front();
    CHECK(fault.kind == FaultKind::fin);
    CHECK(fault.number == 0);
    CHECK(fault.direction == Direction::to_server);
    CHECK(fault.value == 4);
    CHECK(fault.at == before);

    backend.cut(0, Direction::to_client, CutKind::silence);
    REQUIRE(backend.faults().size() == 2);
    CHECK(backend.faults().back().kind == FaultKind::silence);
}

TEST_CASE("faults: each can be said in words", "[runtime][simulation]") {
    CHECK(describe(Fault{.kind = FaultKind::reset,
                         .number = 3,
                         .direction = Direction::to_client,
                         .value = 120,
                         .at = std::chrono::microseconds(1'500'000)}) ==
          "reset of connection #3 after 120 octets to the client, at 1.500000000 s");
    CHECK(describe(Fault{.kind = FaultKind::short_send, .number = 7, .value = 5}) ==
          "short_send #7, of 5 octets, at 0.000000000 s");
    CHECK(describe(Fault{.kind = FaultKind::accept_error, .number = 1, .value = 1}) ==
          "accept_error #1, ENFILE, at 0.000000000 s");
    CHECK(describe(Fault{.kind = FaultKind::sync_error}) == "sync_error #0, at 0.000000000 s");
    CHECK(describe(std::vector<Fault>{{.kind = FaultKind::fin}, {.kind = FaultKind::refused}}) ==
          "fin of connection #0 after 0 octets to the server, at 0.000000000 s\n"
          "refused #0, at 0.000000000 s\n");
}

TEST_CASE("faults: a send without memory has sent nothing, and its connection lives",
          "[runtime][simulation]") {
    SimulatedBackend backend({.script = {{{.kind = FaultKind::send_error, .number = 1}}}});
    Pair pair(backend);
    CHECK(send(backend, pair.client, "one") == 3);
    CHECK(send(backend, pair.client, "two") == -ENOBUFS);
    CHECK(!backend.socket_state(pair.client).closed);
    CHECK(send(backend, pair.client, "three") == 5);
    CHECK(receive_octets(backend, pair.server, 8) == "onethree");
}

TEST_CASE("faults: what ended a connection is told to a send before the want of memory is",
          "[runtime][simulation]") {
    SimulatedBackend backend({.script = {{{.kind = FaultKind::send_error, .number = 0}}}});
    Pair pair(backend);
    pair.close(pair.server, Ending::reset);
    REQUIRE(wait_for(backend, [&] { return backend.socket_state(pair.client).closed; }));
    CHECK(send(backend, pair.client, "x") == -ECONNRESET);
}

TEST_CASE("faults: a connect without a port has sent nothing, and can be tried again",
          "[runtime][simulation]") {
    SimulatedBackend backend({.script = {{{.kind = FaultKind::no_port}}}});
    const int listener = backend.listen(Endpoint::loopback(80), {}).value();
    const Endpoint to = backend.local_endpoint(listener);
    const int fd = backend.open_socket(AF_INET).value();
    const Instant before = backend.now();
    CHECK(result_of(backend, Connect{fd, &to}) == -EADDRNOTAVAIL);
    CHECK(backend.now() == before);
    CHECK(result_of(backend, Connect{fd, &to}) == 0);
    backend.close(fd);
    backend.close(listener);
}

TEST_CASE("faults: an accept whose connection was aborted has lost it, any other error has not",
          "[runtime][simulation]") {
    struct Row {
        Fault fault;
        std::int32_t accepted;
        std::int32_t received;  // By the client. 1: nothing.
    };
    const Row row = GENERATE(Row{{.kind = FaultKind::accept_error, .value = 0}, -EMFILE, 1},
                             Row{{.kind = FaultKind::accept_error, .value = 1}, -ENFILE, 1},
                             Row{{.kind = FaultKind::accept_error, .value = 2}, -ENOMEM, 1},
                             Row{{.kind = FaultKind::accept_aborted}, -ECONNABORTED, -ECONNRESET});
    SimulatedBackend backend({.script = {{row.fault}}});
    const int listener = backend.listen(Endpoint::loopback(80), {}).value();
    const Endpoint to = backend.local_endpoint(listener);
    const int client = backend.open_socket(AF_INET).value();
    REQUIRE(result_of(backend, Connect{client, &to}) == 0);
    CHECK(result_of(backend, Accept{listener}) == row.accepted);
    {
        Recorded receiving(backend, Receive{client});
        Recorded accepting(backend, Accept{listener});
        REQUIRE(wait_for(backend, [&] { return receiving.ended || !accepting.results.empty(); }));
        CHECK(receiving.last() == row.received);
        if (!accepting.results.empty()) {
            REQUIRE(accepting.last() >= 0);
            backend.close(accepting.last());
        }
    }
    backend.close(client);
    backend.close(listener);
}

}  // namespace
}  // namespace sluice::tests
