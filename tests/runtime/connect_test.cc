// How a connection comes about: whose address is asked for, which of several is taken, and what
// TCP is told to watch.

#include "sluice/runtime/tcp.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/name_cache.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/runtime/contract.h"
#include "sluice/tests/support/faulty_backend.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using simulation::Reachability;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Endpoints = std::vector<Endpoint>;

Endpoint at(const char* address) {
    return *Endpoint::parse_address(address, 80);
}

Task<Result<Endpoints>> known(Endpoints endpoints) {
    co_return endpoints;
}

struct Host {
    const char* address;
    Reachability reachability = Reachability::reachable;
    Duration latency = milliseconds(1);  // One way.
};

struct Race {
    const char* why;
    std::vector<Host> hosts;  // In the resolver's order.
    std::string winner;       // Empty: none.
    Duration took;
    std::vector<std::string> tried;
    Errc error = Errc::none;
    Duration stopped_after = never;
};

struct Ran {
    std::string winner;
    Errc error = Errc::none;
    Duration took{};
    std::vector<std::string> tried;
};

Task<Result<std::unique_ptr<Transport>>> connect(TcpConnector& connector) {
    ConnectTimes times;
    Result<std::unique_ptr<Transport>> connected =
        co_await connector.connect("store.example", 80, times);
    co_return connected;
}

Task<> run_race(Loop& loop, const Race& race, Ran& ran) {
    Endpoints endpoints;
    std::vector<std::unique_ptr<TcpAcceptor>> acceptors;
    for (const Host& host : race.hosts) {
        endpoints.push_back(at(host.address));
        acceptors.push_back(TcpAcceptor::listen(loop, endpoints.back()).value());
    }
    const auto look_up = [&](std::string, std::uint16_t) { return known(endpoints); };
    TcpConnector connector(loop, {.socket = {}, .names = {}, .look_up = look_up});
    const Instant begun = loop.now();
    Result<std::unique_ptr<Transport>> connected =
        co_await with_timeout(race.stopped_after, connect(connector));
    ran.took = loop.now() - begun;
    if (connected) {
        ran.winner = (*connected)->peer().text();
        co_await (*connected)->close(Ending::orderly);
    } else {
        ran.error = connected.error().code;
    }
    for (const auto& acceptor : acceptors) {
        co_await acceptor->close();
    }
}

Ran run(const Race& race, std::uint64_t seed) {
    simulation::Options options;
    options.seed = seed;
    for (const Host& host : race.hosts) {
        const simulation::Path path{.latency_min = host.latency, .latency_max = host.latency};
        options.network.routes.push_back(
            {.to = at(host.address), .from = Endpoint(), .to_server = path, .to_client = path});
    }
    simulation::SimulatedBackend simulated(options);
    for (const Host& host : race.hosts) {
        simulated.make(at(host.address), host.reachability);
    }
    Ran ran;
    FaultyBackend backend(simulated);
    backend.before_each = [&](std::size_t, const Request& request) {
        if (const auto* const connect = std::get_if<Connect>(&request)) {
            ran.tried.push_back(connect->to->text());
        }
        return 0;
    };
    Loop loop(backend);
    block_on(loop, run_race(loop, race, ran));
    return ran;
}

TEST_CASE("connecting: of several addresses the first that answers wins, and the rest are let go",
          "[runtime][tcp][rfc8305-5]") {
    const auto silent = Reachability::silent;
    const auto refused = Reachability::refused;
    const std::vector<Race> races = {
        {"the first answers",
         {{"10.0.0.1"}, {"10.0.0.2"}},
         "10.0.0.1:80",
         milliseconds(2),
         {"10.0.0.1:80"}},
        {"the first is dead",
         {{"10.0.0.1", silent}, {"10.0.0.2"}},
         "10.0.0.2:80",
         milliseconds(252),
         {"10.0.0.1:80", "10.0.0.2:80"}},
        {"two are dead",
         {{"10.0.0.1", silent}, {"10.0.0.2", silent}, {"10.0.0.3"}},
         "10.0.0.3:80",
         milliseconds(502),
         {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}},
        {"the first refuses",
         {{"10.0.0.1", refused}, {"10.0.0.2"}},
         "10.0.0.2:80",
         milliseconds(4),
         {"10.0.0.1:80", "10.0.0.2:80"}},
        {"the second refuses, while the first is dead",
         {{"10.0.0.1", silent}, {"10.0.0.2", refused}, {"10.0.0.3"}},
         "10.0.0.3:80",
         milliseconds(254),
         {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}},
        {"the first is slow, and still the quicker one",
         {{"10.0.0.1", Reachability::reachable, milliseconds(150)},
          {"10.0.0.2", Reachability::reachable, milliseconds(150)}},
         "10.0.0.1:80",
         milliseconds(300),
         {"10.0.0.1:80", "10.0.0.2:80"}},
        {"IPv6 and IPv4 take turns, the resolver's first one first",
         {{"fd00::1", refused}, {"fd00::2", refused}, {"10.0.0.1", refused}, {"10.0.0.2"}},
         "10.0.0.2:80",
         milliseconds(8),
         {"[fd00::1]:80", "10.0.0.1:80", "[fd00::2]:80", "10.0.0.2:80"}},
        {"all refuse",
         {{"10.0.0.1", refused}, {"10.0.0.2", refused}},
         "",
         milliseconds(4),
         {"10.0.0.1:80", "10.0.0.2:80"},
         Errc::refused},
        {"stopped, with both under way",
         {{"10.0.0.1", silent}, {"10.0.0.2", silent}},
         "",
         seconds(3),
         {"10.0.0.1:80", "10.0.0.2:80"},
         Errc::timed_out,
         seconds(3)},
    };
    for (const Race& race : races) {
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            CAPTURE(race.why, seed);
            const Ran ran = run(race, seed);
            CHECK(ran.winner == race.winner);
            CHECK(ran.error == race.error);
            CHECK(ran.tried == race.tried);
            CHECK(ran.took > race.took - milliseconds(1));
            CHECK(ran.took < race.took + milliseconds(4));  // Timers tick.
        }
    }
}

// A name service that takes a second, and counts.
struct Service {
    int asked = 0;
    bool fails = false;

    Task<Result<Endpoints>> answer() {
        ++asked;
        const bool passed = co_await sleep_for(seconds(1));
        if (!passed) {
            co_return failure(Errc::cancelled, Phase::resolve);
        }
        if (fails) {
            co_return failure(Errc::unreachable, Phase::resolve);
        }
        co_return Endpoints{at("10.0.0.1")};
    }
};

Task<> ask(NameCache& names, std::string host, std::vector<Errc>& told) {
    const Result<Endpoints> answer = co_await names.resolve(host, 81);
    told.push_back(answer ? Errc::none : answer.error().code);
    if (answer) {
        CHECK(answer->front().text() == "10.0.0.1:81");
    }
}

Task<> ask_at_once(Loop& loop, NameCache& names, std::size_t count, std::vector<Errc>& told) {
    Scope scope(loop);
    for (std::size_t index = 0; index < count; ++index) {
        scope.spawn(ask(names, "store.example", told));
    }
    co_await scope.join();
}

Task<> use_cache(Loop& loop) {
    Service service;
    NameCache names({.names_max = 2, .kept_max = seconds(60)},
                    [&](std::string, std::uint16_t) { return service.answer(); });
    std::vector<Errc> told;
    co_await ask_at_once(loop, names, 100, told);
    CHECK(told == std::vector<Errc>(100, Errc::none));
    CHECK(service.asked == 1);
    co_await sleep_for(seconds(58));
    co_await ask_at_once(loop, names, 1, told);
    CHECK(service.asked == 1);
    co_await sleep_for(seconds(3));
    co_await ask_at_once(loop, names, 1, told);
    CHECK(service.asked == 2);

    for (const char* const host : {"a.example", "b.example", "c.example"}) {
        co_await ask(names, host, told);
    }
    CHECK(names.size() == 2);
    CHECK(service.asked == 5);
    co_await ask(names, "c.example", told);
    CHECK(service.asked == 5);
}

TEST_CASE("names: are asked for once by however many, kept for a while, and bounded",
          "[runtime][resolver]") {
    simulation::run({}, [](const simulation::World& world) { return use_cache(world.loop); });
}

Task<> fail_and_stop(Loop& loop) {
    Service service;
    NameCache names({}, [&](std::string, std::uint16_t) { return service.answer(); });
    std::vector<Errc> told;
    service.fails = true;
    co_await ask_at_once(loop, names, 10, told);
    CHECK(told == std::vector<Errc>(10, Errc::unreachable));
    CHECK(service.asked == 1);
    CHECK(names.size() == 0);

    service.fails = false;
    told.clear();
    Scope stopped(loop);
    Scope others(loop);
    stopped.spawn(ask(names, "store.example", told));
    others.spawn(ask(names, "store.example", told));
    stopped.spawn(ask(names, "store.example", told));
    others.spawn(ask(names, "store.example", told));
    co_await sleep_for(milliseconds(500));
    stopped.request_stop();
    co_await stopped.join();
    CHECK(told == std::vector<Errc>(2, Errc::cancelled));
    co_await others.join();
    CHECK(told.back() == Errc::none);
    CHECK(told.size() == 4);
    CHECK(service.asked == 3);
}

TEST_CASE("names: a failure is told to all who wait and not kept, and a stop is one's own",
          "[runtime][resolver]") {
    simulation::run({}, [](const simulation::World& world) { return fail_and_stop(world.loop); });
}

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t octets = sizeof value;
    getsockopt(fd, level, name, &value, &octets);
    return value;
}

TEMPLATE_TEST_CASE("socket options: are TCP's, also of the connections that a listener accepts",
                   "[runtime][tcp]", OnUring, OnEpoll) {
    TestType world(0);
    const SocketOptions options{.unacknowledged_max = milliseconds(1500),
                                .keep_alive_after = seconds(7),
                                .keep_alive_interval = seconds(3),
                                .keep_alive_probes = 2};
    int listener =
        world->listen(Endpoint::loopback(0), {.share_port = false, .socket = options}).value();
    const Endpoint to = world->local_endpoint(listener);
    const int client = world->open_socket(AF_INET).value();
    world->configure(client, options);
    Recorded accepting(*world, Accept{listener});
    CHECK(result_of(*world, Connect{client, &to}) == 0);
    REQUIRE(wait_for(*world, [&] { return !accepting.results.empty(); }));
    for (const int fd : {client, accepting.last()}) {
        CHECK(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 1500);
        CHECK(option(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
        CHECK(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 7);
        CHECK(option(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 3);
        CHECK(option(fd, IPPROTO_TCP, TCP_KEEPCNT) == 2);
    }
    const int plain = world->open_socket(AF_INET).value();
    CHECK(option(plain, SOL_SOCKET, SO_KEEPALIVE) == 0);
    accepting.cancel();
    CHECK(ends(*world, accepting));
    for (const int fd : {plain, client, accepting.results.front(), listener}) {
        world->close(fd, Ending::orderly);
    }
}

}  // namespace
}  // namespace sluice::tests
