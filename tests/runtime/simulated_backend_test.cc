// The simulator's own promises: replay, virtual time, faults where they were asked for, and that
// deadlocks and leaks do not stay hidden. What it shares with the kernel is in the contract tests.

#include "sluice/runtime/simulation/simulated_backend.h"

#include "sluice/runtime/loop.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/runtime/contract.h"
#include "sluice/tests/support/death.h"
#include "sluice/tests/support/simulation.h"

#include <poll.h>

#include <set>
#include <tuple>
#include <utility>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::CutKind;
using simulation::Direction;
using simulation::faulty;
using simulation::Options;
using simulation::Reachability;
using simulation::SimulatedBackend;

// An upload of `text` and its answer. Yields what the server got, and how it ended there.
Input upload(SimulatedBackend& backend, std::string_view text) {
    Pair pair(backend);
    const Parts parts(text);
    std::size_t sent = 0;
    Recorded receiving(backend, Receive{pair.server});
    while (sent < text.size() && receiving.last() > 0) {
        const Parts rest(text.substr(sent));
        Recorded sending(backend, Send{pair.client, rest});
        REQUIRE(wait_for(backend, [&] {
            if (receiving.ended && receiving.last() > 0) {
                receiving.submit_again();
            }
            return sending.ended || receiving.ended;
        }));
        sending.cancel();
        REQUIRE(ends(backend, sending));
        if (sending.last() < 0) {
            break;
        }
        sent += static_cast<std::size_t>(sending.last());
    }
    backend.shut_down_sending(pair.client);
    REQUIRE(wait_for(backend, [&] {
        if (receiving.ended && receiving.last() > 0) {
            receiving.submit_again();
        }
        return receiving.ended;
    }));
    return {receiving.octets, receiving.last()};
}

std::string trace_of(Options options) {
    std::string trace;
    options.trace = &trace;
    SimulatedBackend backend(options);
    upload(backend, std::string(5000, 'x'));
    return trace;
}

TEST_CASE("simulation: one seed is one run, to the octet of its trace", "[runtime][simulation]") {
    std::set<std::string> traces;
    for_each_seed(20, [&](std::uint64_t seed) {
        const std::string trace = trace_of(faulty(seed));
        CHECK(trace.size() > 100);
        SimulatedBackend elsewhere;  // So that nothing lies in memory where it lay before.
        const Pair beside(elsewhere);
        CHECK((trace == trace_of(faulty(seed))));
        traces.insert(trace);
    });
    CHECK(traces.size() == 20);
}

TEST_CASE("simulation: what is sent arrives whole and in order, whatever is short, late or cut up",
          "[runtime][simulation]") {
    const std::string text = more_than_fits().substr(0, 500);
    for_each_seed(seeds_usual, [&](std::uint64_t seed) {
        SimulatedBackend backend(faulty(seed));
        const Input input = upload(backend, text);
        REQUIRE((input.octets == text));
        REQUIRE(input.end == 0);
    });
}

TEST_CASE("simulation: a connection is cut after exactly the octets that it was to pass",
          "[runtime][simulation]") {
    const std::string text = more_than_fits().substr(0, 64);
    const CutKind kind = GENERATE(CutKind::reset, CutKind::fin);
    for (std::uint64_t after = 0; after <= text.size(); ++after) {
        for_each_seed(10, [&](std::uint64_t seed) {
            CAPTURE(after);
            Options options{.seed = seed};
            options.network.cut_segment_percent = 50;
            options.cuts = {{.after_octets = after, .kind = kind}};
            SimulatedBackend backend(options);
            const Input input = upload(backend, text);
            CHECK(input.octets == text.substr(0, after));
            CHECK(input.end == (kind == CutKind::fin ? 0 : -ECONNRESET));
        });
    }
}

TEST_CASE("simulation: a cancel of what could complete wins in some worlds and loses in others",
          "[runtime][simulation]") {
    int won = 0;
    int lost = 0;
    for_each_seed(100, [&](std::uint64_t seed) {
        SimulatedBackend backend({.seed = seed});
        Pair pair(backend);
        REQUIRE(send(backend, pair.client, "octets") == 6);
        backend.wait(backend.now() + 1ms);  // They have arrived.
        Recorded receiving(backend, Receive{pair.server});
        receiving.cancel();
        REQUIRE(ends(backend, receiving));
        CHECK(receiving.last() == -ECANCELED);
        (receiving.octets.empty() ? won : lost) += 1;
    });
    CHECK(won > 20);
    CHECK(lost > 20);
}

TEST_CASE("simulation: a cut FIN resets the end that did not send it", "[runtime][simulation]") {
    SimulatedBackend backend;
    Pair pair(backend);
    backend.cut(0, Direction::to_server, CutKind::fin);
    CHECK(receive_to_end(backend, pair.server).end == 0);
    CHECK(receive_to_end(backend, pair.client).end == -ECONNRESET);
}

TEST_CASE("simulation: in silence nothing passes and nobody is told, until retries end",
          "[runtime][simulation]") {
    SimulatedBackend backend;
    Pair pair(backend);
    backend.cut(0, Direction::to_server, CutKind::silence);
    REQUIRE(send(backend, pair.client, "lost") == 4);
    Recorded receiving(backend, Receive{pair.server});
    Recorded watching(backend, Poll{pair.client, POLLRDHUP});
    const Instant before = backend.now();
    backend.wait(before + 10min);
    CHECK(receiving.results.empty());
    CHECK(watching.results.empty());
    CHECK(backend.socket_state(pair.client).unacknowledged == 4);

    REQUIRE(ends(backend, watching) == false);
    while (!watching.ended) {
        backend.wait(never);
    }
    CHECK(backend.now() >= before + 15min);
    CHECK(result_of(backend, Receive{pair.client}) == -ETIMEDOUT);
    CHECK(receiving.results.empty());
}

TEST_CASE("simulation: in silence of the way back octets arrive, and are not known to",
          "[runtime][simulation]") {
    SimulatedBackend backend;
    Pair pair(backend);
    backend.cut(0, Direction::to_client, CutKind::silence);
    REQUIRE(send(backend, pair.client, "heard") == 5);
    CHECK(receive_octets(backend, pair.server, 5) == "heard");
    backend.wait(backend.now() + 1min);
    CHECK(backend.socket_state(pair.client).unacknowledged == 5);
}

TEST_CASE("simulation: a connect meets what its address was made to be", "[runtime][simulation]") {
    struct Row {
        Reachability reachability;
        std::int32_t result;
        Duration takes;
    };
    const Row row = GENERATE(Row{Reachability::refused, -ECONNREFUSED, 200us},
                             Row{Reachability::unreachable, -EHOSTUNREACH, 200us},
                             Row{Reachability::silent, -ETIMEDOUT, 127s},
                             Row{Reachability::reachable, 0, 200us});
    SimulatedBackend backend;
    const Endpoint to = Endpoint::loopback(80);
    const int listener = backend.listen(to, {}).value();
    backend.make(to, row.reachability);
    const int fd = backend.open_socket(AF_INET).value();
    const Instant before = backend.now();
    {
        Recorded connecting(backend, Connect{fd, &to});
        while (!connecting.ended) {
            backend.wait(never);
        }
        CHECK(connecting.last() == row.result);
        CHECK(backend.now() - before == row.takes);
    }
    backend.close(fd);
    backend.close(listener);
}

TEST_CASE("simulation: a listener at 0.0.0.0 is every host at its port", "[runtime][simulation]") {
    SimulatedBackend backend;
    const int listener = backend.listen(Endpoint::any(80), {}).value();
    const Endpoint to = Endpoint::parse("10.1.2.3:80").value();
    const int fd = backend.open_socket(AF_INET).value();
    CHECK(result_of(backend, Connect{fd, &to}) == 0);
    CHECK(backend.peer_endpoint(fd) == to);
    backend.close(fd);
    backend.close(listener);
}

// Connects to `to`, where somebody listens, and yields both ends.
std::pair<int, int> connect_to(SimulatedBackend& backend, int listener) {
    const Endpoint to = backend.local_endpoint(listener);
    const int client = backend.open_socket(AF_INET).value();
    Recorded accepting(backend, Accept{listener});
    REQUIRE(result_of(backend, Connect{client, &to}) == 0);
    REQUIRE(wait_for(backend, [&] { return !accepting.results.empty(); }));
    accepting.cancel();
    REQUIRE(ends(backend, accepting));
    return {client, accepting.results.front()};
}

const Endpoint client_host = Endpoint::parse("10.0.0.1:0").value();
const Endpoint proxy_host = Endpoint::parse("10.0.0.2:80").value();
const Endpoint origin_host = Endpoint::parse("10.0.0.3:80").value();

TEST_CASE("simulation: each route has its own latency and bandwidth, each way, and its own hosts",
          "[runtime][simulation]") {
    Options options;
    options.network.routes = {
        {.to = proxy_host,
         .from = client_host,
         .to_server = {.latency_min = 3ms, .latency_max = 3ms},
         .to_client = {.latency_min = 20ms, .latency_max = 20ms, .octets_per_second = 1000}},
        {.to = origin_host, .from = proxy_host}};
    SimulatedBackend backend(options);
    const int proxy = backend.listen(proxy_host, {}).value();
    const int origin = backend.listen(origin_host, {}).value();
    const Instant before = backend.now();
    auto [client, server] = connect_to(backend, proxy);
    CHECK(backend.now() - before == 26ms);  // There, back, and there: then it is accepted.
    auto [upstream, upstream_server] = connect_to(backend, origin);
    CHECK(backend.local_endpoint(client).with_port(0) == client_host);
    CHECK(backend.peer_endpoint(upstream_server).with_port(0) == proxy_host.with_port(0));

    for (const auto& [from, to, takes] :
         {std::tuple(client, server, Duration(3ms)), std::tuple(server, client, Duration(120ms))}) {
        const Instant begin = backend.now();
        REQUIRE(send(backend, from, std::string(100, 'x')) == 100);
        Recorded receiving(backend, Receive{to});
        backend.wait(never);
        CHECK(receiving.octets.size() == 100);
        CHECK(backend.now() - begin == takes);
    }
    for (const int fd : {client, server, upstream, upstream_server, proxy, origin}) {
        backend.close(fd);
    }
}

TEST_CASE("simulation: a host without power is silence to all others, and they to it",
          "[runtime][simulation]") {
    Options options;
    options.network.routes = {{.to = proxy_host, .from = client_host},
                              {.to = origin_host, .from = proxy_host}};
    SimulatedBackend backend(options);
    const int proxy = backend.listen(proxy_host, {}).value();
    const int origin = backend.listen(origin_host, {}).value();
    auto [client, server] = connect_to(backend, proxy);
    auto [upstream, upstream_server] = connect_to(backend, origin);
    backend.power_off(origin_host);
    REQUIRE(send(backend, upstream, "lost") == 4);
    REQUIRE(send(backend, client, "heard") == 5);
    REQUIRE(send(backend, upstream_server, "lost too") == 8);
    {
        Recorded elsewhere(backend, Receive{server});
        Recorded at_origin(backend, Receive{upstream_server});
        Recorded at_proxy(backend, Receive{upstream});
        backend.wait(backend.now() + 1min);
        CHECK(elsewhere.octets == "heard");
        CHECK(at_origin.results.empty());
        CHECK(at_proxy.results.empty());
        CHECK(backend.socket_state(upstream).unacknowledged == 4);
    }
    const int late = backend.open_socket(AF_INET).value();
    {
        Recorded connecting(backend, Connect{late, &origin_host});
        while (!connecting.ended) {
            backend.wait(never);
        }
        CHECK(connecting.last() == -ETIMEDOUT);
    }
    for (const int fd : {client, server, upstream, upstream_server, late, proxy, origin}) {
        backend.close(fd);
    }
}

TEST_CASE("simulation: the clock moves only when nothing else can", "[runtime][simulation]") {
    Options options;
    options.network.latency_min = options.network.latency_max = 40ms;
    options.network.octets_per_second = 1'000'000;
    SimulatedBackend backend(options);
    Pair pair(backend);
    const Instant before = backend.now();
    REQUIRE(send(backend, pair.client, std::string(100'000, 'x')) == 100'000);
    CHECK(backend.now() == before);
    Recorded receiving(backend, Receive{pair.server});
    receiving.keeps_buffers = false;
    REQUIRE(wait_for(backend, [&] { return receiving.octets.size() == 100'000; }));
    CHECK(backend.now() == before + 40ms + 100ms);
}

TEST_CASE("simulation: a turn that waits for nothing and finds nothing takes time all the same",
          "[runtime][simulation]") {
    SimulatedBackend backend;
    const Instant before = backend.now();
    backend.wait(Instant::min());
    CHECK(backend.now() > before);
    CHECK(backend.now() < before + 1ms);
}

TEST_CASE(
    "simulation: what was planned for an instant happens then, and its faults are seen at once",
    "[runtime][simulation]") {
    SimulatedBackend backend;
    Pair pair(backend);
    const Instant before = backend.now();
    std::vector<Duration> happened;
    for (const Duration each : {Duration(7ms), Duration(3ms), Duration(1h)}) {
        backend.at(before + each, [&] { happened.push_back(backend.now() - before); });
    }
    backend.at(before + 5ms, [&] { backend.cut(0, Direction::to_client, CutKind::reset); });
    Recorded receiving(backend, Receive{pair.client});
    backend.wait(never);  // Not a deadlock: something will happen.
    CHECK(receiving.last() == -ECONNRESET);
    CHECK(backend.now() == before + 5ms);
    CHECK(happened == std::vector<Duration>{3ms});
    backend.wait(before + 8ms);
    CHECK(happened == std::vector<Duration>{3ms, 7ms});
}

TEST_CASE("simulation: without descriptors an accept ends, and the connection waits",
          "[runtime][simulation]") {
    SimulatedBackend backend({.descriptors_max = 3});
    const int listener = backend.listen(Endpoint::loopback(80), {}).value();
    const Endpoint to = backend.local_endpoint(listener);
    const int client = backend.open_socket(AF_INET).value();
    const int other = backend.open_socket(AF_INET).value();
    CHECK(!backend.open_socket(AF_INET).has_value());
    REQUIRE(result_of(backend, Connect{client, &to}) == 0);
    CHECK(result_of(backend, Accept{listener}) == -EMFILE);
    backend.close(other);
    Recorded accepting(backend, Accept{listener});
    REQUIRE(wait_for(backend, [&] { return !accepting.results.empty(); }));
    REQUIRE(accepting.last() >= 0);
    backend.close(accepting.last());
    accepting.cancel();
    REQUIRE(ends(backend, accepting));
    backend.close(client);
    backend.close(listener);
}

TEST_CASE("simulation: a full disk takes what fits, then nothing", "[runtime][simulation][file]") {
    Options options;
    options.disk.capacity_octets = 6;
    SimulatedBackend backend(options);
    const int fd = result_of(backend, Open{"/tmp/file", O_CREAT | O_WRONLY, 0600});
    const std::string_view text = "four";
    const auto octets = std::as_bytes(std::span(text));
    CHECK(result_of(backend, Write{fd, octets, 0}) == 4);
    CHECK(result_of(backend, Write{fd, octets, 4}) == 2);
    CHECK(result_of(backend, Write{fd, octets, 6}) == -ENOSPC);
    backend.close(fd);
    CHECK(backend.disk().contents("/tmp/file") == "fourfo");
    CHECK(result_of(backend, Remove{"/tmp/file"}) == 0);
    CHECK(backend.disk().used_octets() == 0);
}

TEST_CASE("simulation: a host's own disk is full, slow, crashed and off by itself",
          "[runtime][simulation][file]") {
    SimulatedBackend backend;
    simulation::Disk& own =
        backend.mount("/host", {.latency_min = 5ms, .latency_max = 5ms, .capacity_octets = 3});
    const std::string_view text = "four";
    const auto octets = std::as_bytes(std::span(text));
    const auto write = [&](const char* path) {
        const int fd = result_of(backend, Open{path, O_CREAT | O_WRONLY, 0600});
        REQUIRE(fd >= 0);
        const std::int32_t result = result_of(backend, Write{fd, octets, 0});
        backend.close(fd);
        return result;
    };
    const Instant before = backend.now();
    CHECK(write("/hosts") == 4);  // Beside it, not in it.
    CHECK(backend.now() < before + 5ms);
    CHECK(write("/host/file") == 3);
    CHECK(backend.now() >= before + 10ms);
    CHECK(own.contents("/file") == "fou");
    CHECK(backend.disk().contents("/host/file") == std::nullopt);
    own.power_off();
    CHECK(result_of(backend, Open{"/host/file", O_RDONLY, 0}) == -EIO);
    CHECK(write("/hosts") == 4);
}

TEST_CASE("simulation: what was not synced is not what a crash would leave",
          "[runtime][simulation][file]") {
    SimulatedBackend backend;
    backend.disk().preload("/store/old", "old");
    const int fd = result_of(backend, Open{"/store/new", O_CREAT | O_WRONLY, 0600});
    const std::string_view text = "new";
    REQUIRE(result_of(backend, Write{fd, std::as_bytes(std::span(text)), 0}) == 3);
    CHECK(backend.disk().synced_contents("/store/new") == std::nullopt);
    const int directory = result_of(backend, Open{"/store", O_RDONLY | O_DIRECTORY, 0});
    REQUIRE(result_of(backend, Sync{directory}) == 0);
    CHECK(backend.disk().synced_contents("/store/new") == "");
    REQUIRE(result_of(backend, Sync{fd}) == 0);
    CHECK(backend.disk().synced_contents("/store/new") == "new");
    CHECK(backend.disk().list("/store") == std::vector<std::string>{"new", "old"});
    CHECK(backend.disk().synced_contents("/store/old") == "old");
    backend.close(directory);
    backend.close(fd);
}

TEST_CASE("simulation: a wait that could never end is reported with all that is in flight",
          "[runtime][simulation]") {
    SimulatedBackend backend;
    Pair pair(backend);
    std::string report;
    backend.on_violation([&](const std::string& text) { report = text; });
    Recorded receiving(backend, Receive{pair.server});
    Recorded watching(backend, Poll{pair.client, POLLRDHUP});
    backend.wait(never);
    CHECK(report.find("could never end") != std::string::npos);
    CHECK(report.find("receive fd=" + std::to_string(pair.server)) != std::string::npos);
    CHECK(report.find("poll fd=" + std::to_string(pair.client)) != std::string::npos);
}

TEST_CASE("simulation: deadlocks, leaks and stale descriptors stop the process",
          "[runtime][simulation]") {
    const auto deadlock = death_of([] { SimulatedBackend().wait(never); });
    CHECK(deadlock.value_or("").find("could never end") != std::string::npos);

    const auto leak = death_of([] {
        SimulatedBackend backend;
        (void)backend.open_socket(AF_INET);
    });
    CHECK(leak.value_or("").find("invariant violated") != std::string::npos);

    const auto operation = death_of([] {
        SimulatedBackend backend;
        const int fd = backend.listen(Endpoint::loopback(80), {}).value();
        auto* const forgotten = new Recorded(backend, Accept{fd});
        (void)forgotten;
    });
    CHECK(operation.value_or("").find("accept fd=") != std::string::npos);
    CHECK(operation.value_or("").find("invariant violated") != std::string::npos);

    const auto stale = death_of([] {
        SimulatedBackend backend;
        const int fd = backend.open_socket(AF_INET).value();
        backend.close(fd);
        backend.close(fd);
    });
    CHECK(stale.value_or("").find("which is not open") != std::string::npos);

    const auto lent = death_of([] {
        Recorded* leaked = nullptr;
        SimulatedBackend backend;
        Pair pair(backend);
        REQUIRE(send(backend, pair.client, "lent") == 4);
        leaked = new Recorded(backend, Receive{pair.server});
        leaked->keeps_buffers = true;
        REQUIRE(wait_for(backend, [&] { return leaked->octets.size() == 4; }));
        leaked->cancel();
        REQUIRE(ends(backend, *leaked));
    });
    CHECK(lent.value_or("").find("invariant violated") != std::string::npos);

    const auto timer = death_of([] {
        class Idle final : public Timer {
            void fired() noexcept override {}
        };
        SimulatedBackend backend;
        Idle idle;
        Loop loop(backend);
        loop.arm(idle, loop.now() + 1h);
    });
    CHECK(timer.value_or("").find("Timers::~Timers") != std::string::npos);

    const auto in_use = death_of([] {
        SimulatedBackend backend;
        const int fd = backend.listen(Endpoint::loopback(80), {}).value();
        Recorded accepting(backend, Accept{fd});
        backend.close(fd);
    });
    CHECK(in_use.value_or("").find("which is in use") != std::string::npos);
}

}  // namespace
}  // namespace sluice::tests
