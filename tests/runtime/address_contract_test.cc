// Which address a socket may have, whom a listener takes, and what a connect meets where no network
// is whole: on the kernel, in a network of the test's own, and in the simulator.

#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/tests/runtime/contract.h"
#include "sluice/tests/support/own_network.h"

#include <poll.h>

#include <algorithm>
#include <type_traits>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t port_min = 40'000;
constexpr std::uint16_t port_max = 40'003;

// A close is submitted, and done by the wait.
void close_now(Backend& backend, int fd, Ending ending = Ending::orderly) {
    backend.close(fd, ending);
    backend.wait(Instant::min());
}

// Connects, and yields who the listener says it is.
Endpoint caller_of(Backend& backend, int listener, const Endpoint& to) {
    const int client = backend.open_socket(to.family()).value();
    Recorded accepting(backend, Accept{listener});
    REQUIRE(result_of(backend, Connect{client, &to}) == 0);
    REQUIRE(wait_for(backend, [&] { return !accepting.results.empty(); }));
    const int server = accepting.last();
    REQUIRE(server >= 0);
    const Endpoint caller = backend.peer_endpoint(server);
    CHECK(caller.unmapped() == backend.local_endpoint(client).unmapped());
    CHECK(backend.local_endpoint(server).unmapped() == to.unmapped());
    accepting.cancel();
    REQUIRE(ends(backend, accepting));
    backend.close(client);
    backend.close(server);
    return caller.with_port(0);
}

TEMPLATE_TEST_CASE("address: [::] takes IPv4 too, and names who comes by it as IPv6 does",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    const int listener = world->listen(parsed("[::]:0"), {}).value();
    const std::uint16_t port = world->local_endpoint(listener).port();
    CHECK(world->local_endpoint(listener) == parsed("[::]:0").with_port(port));
    CHECK(caller_of(*world, listener, Endpoint::loopback(port)) == parsed("[::ffff:127.0.0.1]:0"));
    CHECK(caller_of(*world, listener, parsed("[::1]:0").with_port(port)) == parsed("[::1]:0"));
    CHECK(caller_of(*world, listener, Endpoint::loopback(port).mapped()) ==
          parsed("[::ffff:127.0.0.1]:0"));
    world->close(listener);
}

TEMPLATE_TEST_CASE(
    "address: [::] is all addresses of its port, those of IPv4 only if it takes them",
    "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    for (const bool ipv6_only : {false, true}) {
        CAPTURE(ipv6_only);
        const int listener = world->listen(parsed("[::]:0"), {.ipv6_only = ipv6_only}).value();
        const std::uint16_t port = world->local_endpoint(listener).port();
        for (const char* const at : {"0.0.0.0:0", "127.0.0.1:0"}) {
            const Result<int> second = world->listen(parsed(at).with_port(port), {});
            REQUIRE(second.has_value() == ipv6_only);
            if (second) {
                CHECK(caller_of(*world, *second, Endpoint::loopback(port)) ==
                      Endpoint::loopback(0));
                close_now(*world, *second);
            } else {
                CHECK(second.error().os_errno == EADDRINUSE);
            }
        }
        CHECK(world->listen(parsed("[::1]:0").with_port(port), {}).error().os_errno == EADDRINUSE);
        close_now(*world, listener);
    }
}

TEMPLATE_TEST_CASE("address: whoever wants IPv6 only is refused to who comes by IPv4",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    const int listener = world->listen(parsed("[::]:0"), {.ipv6_only = true}).value();
    const Endpoint four = Endpoint::loopback(world->local_endpoint(listener).port());
    const int fd = world->open_socket(AF_INET).value();
    CHECK(result_of(*world, Connect{fd, &four}) == -ECONNREFUSED);
    world->close(fd);
    CHECK(world->listen(parsed("[::ffff:127.0.0.1]:0"), {.ipv6_only = true}).error().os_errno ==
          EINVAL);
    world->close(listener);
}

TEMPLATE_TEST_CASE("address: of listeners that share a port the one at the very address gets it",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int every = world->listen(Endpoint::any(0), {.share_port = true}).value();
        const Endpoint to = Endpoint::loopback(world->local_endpoint(every).port());
        const int six =
            world->listen(parsed("[::]:0").with_port(to.port()), {.share_port = true}).value();
        const int exact = world->listen(to, {.share_port = true}).value();
        CHECK(caller_of(*world, exact, to) == Endpoint::loopback(0));
        close_now(*world, exact);
        CHECK(caller_of(*world, every, to) == Endpoint::loopback(0));
        close_now(*world, every);
        CHECK(caller_of(*world, six, to) == parsed("[::ffff:127.0.0.1]:0"));
        world->close(six);
    });
}

TEMPLATE_TEST_CASE("address: a listener cannot have another host's", "[runtime][contract]",
                   OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    for (const char* const at : {"192.0.2.77:0", "[2001:db8::77]:0"}) {
        const Result<int> fd = world->listen(parsed(at), {});
        REQUIRE(!fd.has_value());
        CHECK(fd.error().os_errno == EADDRNOTAVAIL);
        CHECK(fd.error().code == Errc::resources_exhausted);
    }
}

// What befalls the network of a world, of either kind.
template <typename World>
class Disturbed {
public:
    Disturbed(World& world, const OwnNetwork* network) : world_(world), network_(network) {}

    void make(const char* address, simulation::Reachability what) {
        const bool is_silent = what == simulation::Reachability::silent;
        if constexpr (is_simulated) {
            world_.simulated().make(Endpoint::parse_address(address, 80).value(), what);
        } else {
            is_silent ? network_->make_silent(address) : network_->make_unreachable(address);
        }
    }
    // The connection that was begun as that one from 0; on the kernel all of them.
    void fall_silent(std::size_t connection = 0) {
        if constexpr (is_simulated) {
            for (const auto way :
                 {simulation::Direction::to_server, simulation::Direction::to_client}) {
                world_.simulated().cut(connection, way, simulation::CutKind::silence);
            }
        } else {
            network_->set_loopback(false);
        }
    }

    static constexpr bool is_simulated = std::is_same_v<World, OnSimulation>;

private:
    World& world_;
    const OwnNetwork* network_;
};

// Each with few ports for who connects, unless more are asked for.
template <typename World, typename Check>
void in_disturbed_worlds(Check check, std::uint16_t most = port_max) {
    if constexpr (Disturbed<World>::is_simulated) {
        for (std::uint64_t seed = 0; seed < World::seeds; ++seed) {
            CAPTURE(seed);
            World world(seed, port_min, most);
            check(world, Disturbed<World>(world, nullptr));
        }
    } else {
        in_own_network([&](const OwnNetwork& network) {
            network.limit_local_ports(port_min, most);
            World world(0);
            check(world, Disturbed<World>(world, &network));
        });
    }
}

TEMPLATE_TEST_CASE("address: without a port left a connect fails at once, and none is lost by it",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_disturbed_worlds<TestType>([](TestType& world, Disturbed<TestType>) {
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        std::vector<int> fds;
        for (int ports = port_min; ports < port_max; ++ports) {  // One has the listener.
            fds.push_back(world->open_socket(AF_INET).value());
            REQUIRE(result_of(*world, Connect{fds.back(), &to}) == 0);
        }
        const int fd = world->open_socket(AF_INET).value();
        CHECK(result_of(*world, Connect{fd, &to}) == -EADDRNOTAVAIL);
        CHECK(result_of(*world, Poll{fd, POLLIN | POLLOUT}) == (POLLOUT | POLLHUP));
        CHECK(send(*world, fd, "x") == -EPIPE);
        CHECK(world->socket_state(fd).closed);
        CHECK(result_of(*world, Connect{fd, &to}) == -EADDRNOTAVAIL);

        const Endpoint freed = world->local_endpoint(fds.back());
        close_now(*world, fds.back(),
                  Ending::reset);  // An orderly end would keep the port a while.
        fds.pop_back();
        REQUIRE(result_of(*world, Connect{fd, &to}) == 0);
        CHECK(world->local_endpoint(fd) == freed);
        std::ranges::for_each(fds, [&](int each) { world->close(each); });
        world->close(fd);
        world->close(listener);
    });
}

TEMPLATE_TEST_CASE(
    "address: where no way leads a connect says so, and where nobody answers nothing",
    "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_disturbed_worlds<TestType>([](TestType& world, Disturbed<TestType> network) {
        network.make("198.51.100.1", simulation::Reachability::unreachable);
        network.make("198.51.100.2", simulation::Reachability::silent);
        const Endpoint unreachable = parsed("198.51.100.1:80");
        const int fd = world->open_socket(AF_INET).value();
        CHECK(result_of(*world, Connect{fd, &unreachable}) == -EHOSTUNREACH);
        CHECK(send(*world, fd, "x") == -EPIPE);
        CHECK(world->socket_state(fd).closed);
        world->close(fd);

        const Endpoint silent = parsed("198.51.100.2:80");
        const int other = world->open_socket(AF_INET).value();
        Recorded connecting(*world, Connect{other, &silent});
        for (const Instant until = world->now() + 20ms; world->now() < until;) {
            world->wait(until);
        }
        CHECK(!connecting.ended);
        connecting.cancel();
        REQUIRE(ends(*world, connecting));
        CHECK(connecting.last() == -ECANCELED);
        world->close(other);
    });
}

TEMPLATE_TEST_CASE("address: in silence octets are accepted and not acknowledged, no end is told",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_disturbed_worlds<TestType>([](TestType& world, Disturbed<TestType> network) {
        Pair pair(*world);
        REQUIRE(send(*world, pair.client, "before") == 6);
        REQUIRE(receive_octets(*world, pair.server, 6) == "before");
        REQUIRE(
            wait_for(*world, [&] { return world->socket_state(pair.client).unacknowledged == 0; }));
        network.fall_silent();
        Recorded watching(*world, Poll{pair.server, POLLIN | POLLRDHUP});
        Recorded receiving(*world, Receive{pair.client});
        CHECK(send(*world, pair.client, "lost") == 4);
        world->shut_down_sending(pair.client);
        world->shut_down_sending(pair.server);
        for (const Instant until = world->now() + 20ms; world->now() < until;) {
            world->wait(until);
        }
        CHECK(!watching.ended);
        CHECK(!receiving.ended);
        CHECK(world->socket_state(pair.client).unacknowledged == 5);  // Its FIN is one.
        CHECK(world->socket_state(pair.server).unacknowledged == 1);
        CHECK(!world->socket_state(pair.client).closed);
        watching.cancel();
        receiving.cancel();
        REQUIRE(ends(*world, watching));
        REQUIRE(ends(*world, receiving));
        pair.close(pair.server, Ending::reset);
        world->wait(world->now() + 5ms);
        CHECK(!world->socket_state(pair.client).closed);
    });
}

// Waits until TCP gives up, and says how long that took since `since`; what is told then is told
// once, and after it a receive has an end and a send none who takes it.
Duration gives_up(Backend& backend, int fd, Instant since) {
    Recorded receiving(backend, Receive{fd});
    REQUIRE(ends(backend, receiving));
    const Duration took = backend.now() - since;
    CHECK(receiving.last() == -ETIMEDOUT);
    CHECK(receive_to_end(backend, fd).end == 0);
    CHECK(send(backend, fd, "y") == -EPIPE);
    CHECK(backend.socket_state(fd).closed);
    return took;
}

TEMPLATE_TEST_CASE("address: TCP gives up what stays unacknowledged for longer than it may",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_disturbed_worlds<TestType>(
        [](TestType& world, Disturbed<TestType> network) {
            Pair octets(*world);
            Pair end(*world);
            Pair idle(*world);
            for (const int fd : {octets.client, end.client, idle.client}) {
                world->configure(fd, {.unacknowledged_max = 300ms});
            }
            for (std::size_t number = 0; number < 3; ++number) {
                network.fall_silent(number);
            }
            Recorded receiving(*world, Receive{idle.client});
            const Instant since = world->now();
            CHECK(send(*world, octets.client, "lost") == 4);
            world->shut_down_sending(end.client);
            for (const int fd : {octets.client, end.client}) {
                const Duration took = gives_up(*world, fd, since);
                CHECK(took >= 300ms);
                CHECK(took < 1500ms);
            }
            CHECK(!receiving.ended);  // It waits for nothing.
            receiving.cancel();
            REQUIRE(ends(*world, receiving));
        },
        port_min + 50);
}

TEMPLATE_TEST_CASE("address: keep-alive gives up an idle connection, and on a limit at a probe",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_disturbed_worlds<TestType>([](TestType& world, Disturbed<TestType> network) {
        Pair limited(*world);
        world->configure(limited.client, {.unacknowledged_max = 500ms,
                                          .keep_alive_after = 1s,
                                          .keep_alive_interval = 1s,
                                          .keep_alive_probes = 9});
        const Instant since = world->now();
        network.fall_silent();
        const Duration took = gives_up(*world, limited.client, since);
        CHECK(took >= 1900ms);
        CHECK(took < 3500ms);
    });
}

}  // namespace
}  // namespace sluice::tests
