// What a socket answers at the edges of its life, on the kernel and in the simulator: before it is
// connected, when it cannot be, beyond its peer's end, and without descriptors.

#include "sluice/tests/runtime/contract.h"

#include "sluice/tests/support/without_io_uring.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t everything = POLLIN | POLLOUT | POLLRDHUP;
constexpr std::int32_t ended = POLLIN | POLLOUT | POLLRDHUP | POLLHUP;

std::int32_t polled(Backend& backend, int fd) {
    return result_of(backend, Poll{fd, everything});
}

// Where nobody listens any more.
Endpoint deserted(Backend& backend) {
    const int listener = backend.listen(Endpoint::loopback(0), {}).value();
    const Endpoint at = backend.local_endpoint(listener);
    backend.close(listener);
    backend.wait(Instant::min());
    return at;
}

bool is_closed(Backend& backend, int fd) {
    return wait_for(backend, [&] { return backend.socket_state(fd).closed; });
}

// Sends until neither kernel takes more, and yields how much they took.
std::int32_t fill(Backend& backend, int from, int to) {
    const Parts parts(more_than_fits());
    Recorded sending(backend, Send{from, parts});
    REQUIRE(result_of(backend, Poll{to, POLLIN}) == POLLIN);
    std::uint64_t acknowledged = 0;
    int waits_without_progress = 0;
    REQUIRE(wait_for(backend, [&] {
        const std::uint64_t now = backend.socket_state(from).acknowledged;
        waits_without_progress = now == acknowledged ? waits_without_progress + 1 : 0;
        acknowledged = now;
        return waits_without_progress == 10;
    }));
    sending.cancel();
    REQUIRE(ends(backend, sending));
    return sending.last();
}

TEMPLATE_TEST_CASE("socket: one that is not connected can be asked, and does nothing",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    const int fd = world->open_socket(AF_INET).value();
    CHECK(polled(*world, fd) == (POLLOUT | POLLHUP));
    CHECK(send(*world, fd, "x") == -EPIPE);
    CHECK(result_of(*world, Receive{fd}) == -ENOTCONN);
    CHECK(world->local_endpoint(fd) == parsed("0.0.0.0:0"));
    CHECK(world->peer_endpoint(fd) == Endpoint());
    CHECK(world->socket_state(fd).closed);
    world->close(fd);
    const int other = world->open_socket(AF_INET6).value();
    CHECK(world->local_endpoint(other) == parsed("[::]:0"));
    world->close(other);
}

TEMPLATE_TEST_CASE("socket: a listener is readable once a connection waits, and is not closed",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        Recorded watching(*world, Poll{listener, POLLIN});
        world->wait(world->now() + 1ms);
        CHECK(!watching.ended);
        const int fd = world->open_socket(AF_INET).value();
        REQUIRE(result_of(*world, Connect{fd, &to}) == 0);
        REQUIRE(ends(*world, watching));
        CHECK(watching.last() == POLLIN);
        CHECK(!world->socket_state(listener).closed);
        CHECK(send(*world, listener, "x") == -EPIPE);
        CHECK(result_of(*world, Receive{listener}) == -ENOTCONN);
        world->close(fd);
        world->close(listener);
    });
}

TEMPLATE_TEST_CASE("socket: a refused connect is told once; then everything has ended",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const Endpoint to = deserted(*world);
        const int fd = world->open_socket(AF_INET).value();
        REQUIRE(result_of(*world, Connect{fd, &to}) == -ECONNREFUSED);
        CHECK(polled(*world, fd) == ended);
        CHECK(send(*world, fd, "x") == -EPIPE);
        CHECK(result_of(*world, Receive{fd}) == 0);
        CHECK(world->peer_endpoint(fd) == to);  // Whom it asked.
        CHECK(world->socket_state(fd).closed);
        world->close(fd);
    });
}

TEMPLATE_TEST_CASE("socket: a connect to the other family's address fails", "[runtime][contract]",
                   OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    const Endpoint four = deserted(*world);
    const Endpoint six = Endpoint::parse_address("::1", four.port()).value();
    const int fd = world->open_socket(AF_INET).value();
    CHECK(result_of(*world, Connect{fd, &six}) == -EAFNOSUPPORT);
    world->close(fd);
    const int other = world->open_socket(AF_INET6).value();
    CHECK(result_of(*world, Connect{other, &four}) == -EINVAL);
    world->close(other);
}

TEMPLATE_TEST_CASE("socket: a connect to 0.0.0.0 reaches this host", "[runtime][contract]",
                   OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    const int listener = world->listen(Endpoint::any(0), {}).value();
    const Endpoint to = world->local_endpoint(listener);
    const int fd = world->open_socket(AF_INET).value();
    REQUIRE(result_of(*world, Connect{fd, &to}) == 0);
    CHECK(world->peer_endpoint(fd) == Endpoint::loopback(to.port()));
    CHECK(world->local_endpoint(fd).with_port(0) == Endpoint::loopback(0));
    world->close(fd);
    world->close(listener);
}

TEMPLATE_TEST_CASE("socket: IPv6 connects as IPv4 does", "[runtime][contract]", OnSimulation,
                   OnUring, OnEpoll) {
    TestType world(0);
    const int listener = world->listen(parsed("[::1]:0"), {}).value();
    const Endpoint to = world->local_endpoint(listener);
    const int fd = world->open_socket(AF_INET6).value();
    Recorded accepting(*world, Accept{listener});
    REQUIRE(result_of(*world, Connect{fd, &to}) == 0);
    REQUIRE(wait_for(*world, [&] { return !accepting.results.empty(); }));
    const int accepted = accepting.last();
    REQUIRE(accepted >= 0);
    CHECK(world->peer_endpoint(accepted) == world->local_endpoint(fd));
    CHECK(world->peer_endpoint(accepted).with_port(0) == parsed("[::1]:0"));
    accepting.cancel();
    REQUIRE(ends(*world, accepting));
    world->close(accepted);
    world->close(fd);
    world->close(listener);
}

TEMPLATE_TEST_CASE("socket: one connection more than the backlog waits, and no other is answered",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    const int listener = world->listen(Endpoint::loopback(0), {.backlog = 1}).value();
    const Endpoint to = world->local_endpoint(listener);
    std::vector<int> fds;
    for (int connections = 0; connections < 2; ++connections) {
        fds.push_back(world->open_socket(AF_INET).value());
        CHECK(result_of(*world, Connect{fds.back(), &to}) == 0);
    }
    fds.push_back(world->open_socket(AF_INET).value());
    {
        Recorded connecting(*world, Connect{fds.back(), &to});
        world->wait(world->now() + 20ms);
        CHECK(!connecting.ended);
        connecting.cancel();
        REQUIRE(ends(*world, connecting));
        CHECK(connecting.last() == -ECANCELED);
    }
    std::ranges::for_each(fds, [&](int fd) { world->close(fd); });
    world->close(listener);
}

TEMPLATE_TEST_CASE("socket: a send of nothing says whether anything could be sent",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        CHECK(send(*world, pair.client, "") == 0);
        world->shut_down_sending(pair.client);
        CHECK(send(*world, pair.client, "") == -EPIPE);
        pair.close(pair.client, Ending::reset);
        REQUIRE(is_closed(*world, pair.server));
        CHECK(send(*world, pair.server, "") == -EPIPE);  // A reset behind a FIN.

        Pair other(*world);
        other.close(other.client, Ending::reset);
        REQUIRE(is_closed(*world, other.server));
        CHECK(send(*world, other.server, "") == -ECONNRESET);  // It takes the error.
        CHECK(send(*world, other.server, "") == -EPIPE);
    });
}

TEMPLATE_TEST_CASE("socket: a poll for writing ends with the peer's end too, as asked or not",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        fill(*world, pair.client, pair.server);
        Recorded first(*world, Poll{pair.client, POLLOUT});
        world->wait(world->now() + 1ms);
        CHECK(!first.ended);
        world->shut_down_sending(pair.server);
        REQUIRE(ends(*world, first));
        CHECK(first.last() == POLLRDHUP);

        pair.close(pair.server, Ending::reset);
        REQUIRE(is_closed(*world, pair.client));
        CHECK(result_of(*world, Poll{pair.client, POLLOUT}) ==
              (POLLOUT | POLLERR | POLLHUP | POLLRDHUP));
    });
}

TEMPLATE_TEST_CASE("socket: a multishot poll tells a FIN, and then the reset behind it",
                   "[runtime][contract][trap-2]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        Recorded watching(*world, Poll{pair.server, 0, true});
        world->wait(world->now() + 1ms);
        CHECK(watching.results.empty());
        world->shut_down_sending(pair.client);
        REQUIRE(wait_for(*world, [&] { return watching.last() == POLLRDHUP; }));
        CHECK(!watching.ended);
        pair.close(pair.client, Ending::reset);
        REQUIRE(
            wait_for(*world, [&] { return watching.last() == (POLLERR | POLLHUP | POLLRDHUP); }));
        watching.cancel();
        REQUIRE(ends(*world, watching));
        CHECK(watching.last() == -ECANCELED);
    });
}

TEMPLATE_TEST_CASE("socket: a poll that begins after a FIN ends at once", "[runtime][contract]",
                   OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        world->shut_down_sending(pair.client);
        REQUIRE(result_of(*world, Poll{pair.server, POLLRDHUP}) == POLLRDHUP);
        CHECK(result_of(*world, Poll{pair.server, 0}) == POLLRDHUP);
    });
}

TEMPLATE_TEST_CASE("socket: a connection that was reset before its accept is accepted all the same",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        const int client = world->open_socket(AF_INET).value();
        REQUIRE(result_of(*world, Connect{client, &to}) == 0);
        REQUIRE(send(*world, client, "early") == 5);
        REQUIRE(wait_for(*world, [&] { return world->socket_state(client).unacknowledged == 0; }));
        world->close(client, Ending::reset);
        world->wait(world->now() + 5ms);
        Recorded accepting(*world, Accept{listener});
        REQUIRE(wait_for(*world, [&] { return !accepting.results.empty(); }));
        const int server = accepting.last();
        REQUIRE(server >= 0);
        CHECK(polled(*world, server) == (ended | POLLERR));
        const Input input = receive_to_end(*world, server);
        CHECK(input.octets == "early");
        CHECK(input.end == -ECONNRESET);
        accepting.cancel();
        REQUIRE(ends(*world, accepting));
        world->close(server);
        world->close(listener);
    });
}

TEMPLATE_TEST_CASE("socket: an end of sending ends the send in flight with what it had sent",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts(more_than_fits());
        Recorded sending(*world, Send{pair.client, parts});
        REQUIRE(result_of(*world, Poll{pair.server, POLLIN}) == POLLIN);
        CHECK(!sending.ended);
        world->shut_down_sending(pair.client);
        REQUIRE(ends(*world, sending));
        const Input input = receive_to_end(*world, pair.server);
        CHECK(static_cast<std::int32_t>(input.octets.size()) == sending.last());
        CHECK(input.end == 0);
    });
}

TEMPLATE_TEST_CASE("socket: an end of sending leaves a receive that waits alone",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        Recorded receiving(*world, Receive{pair.client});
        world->wait(Instant::min());
        world->shut_down_sending(pair.client);
        world->shut_down_sending(pair.client);  // Twice is once.
        REQUIRE(send(*world, pair.server, "answer") == 6);
        REQUIRE(wait_for(*world, [&] { return receiving.octets == "answer"; }));
        CHECK(!receiving.ended);
        pair.close(pair.server, Ending::reset);
        REQUIRE(ends(*world, receiving));
        CHECK(receiving.last() == -ECONNRESET);  // Though our own FIN was out.
    });
}

TEMPLATE_TEST_CASE("socket: ends that close at once are both closed, in good order",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        world->shut_down_sending(pair.client);
        world->shut_down_sending(pair.server);
        for (const int fd : {pair.client, pair.server}) {
            REQUIRE(is_closed(*world, fd));
            CHECK(polled(*world, fd) == ended);
            CHECK(result_of(*world, Receive{fd}) == 0);
            CHECK(send(*world, fd, "x") == -EPIPE);
        }
    });
}

TEMPLATE_TEST_CASE("socket: after a close with unread input a send takes the error, and is told it",
                   "[runtime][contract][trap-9]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        REQUIRE(send(*world, pair.server, "read me") == 7);
        REQUIRE(send(*world, pair.client, "unread") == 6);
        REQUIRE(result_of(*world, Poll{pair.server, POLLIN}) == POLLIN);
        pair.close(pair.server);
        REQUIRE(is_closed(*world, pair.client));
        CHECK(polled(*world, pair.client) == (ended | POLLERR));
        CHECK(send(*world, pair.client, "x") == -ECONNRESET);
        CHECK(send(*world, pair.client, "x") == -EPIPE);
        const Input input = receive_to_end(*world, pair.client);
        CHECK(input.octets == "read me");
        CHECK(input.end == 0);  // As if it were a FIN.
    });
}

TEMPLATE_TEST_CASE("socket: what is acknowledged grows by every octet that the peer's kernel takes",
                   "[runtime][contract][trap-7]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        for (const int fd : {pair.client, pair.server}) {
            REQUIRE(send(*world, fd, "x") == 1);
            REQUIRE(wait_for(*world, [&] { return world->socket_state(fd).unacknowledged == 0; }));
            const std::uint64_t before = world->socket_state(fd).acknowledged;
            REQUIRE(send(*world, fd, "octets") == 6);
            REQUIRE(wait_for(*world, [&] { return world->socket_state(fd).unacknowledged == 0; }));
            CHECK(world->socket_state(fd).acknowledged == before + 6);
        }
    });
}

TEMPLATE_TEST_CASE("socket: what was accepted and not acknowledged is known past a reset",
                   "[runtime][contract][trap-7]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const auto accepted = static_cast<std::uint64_t>(fill(*world, pair.client, pair.server));
        world->wait(world->now() + 5ms);
        const SocketState before = world->socket_state(pair.client);
        CHECK(before.unacknowledged > 0);
        CHECK(before.acknowledged + before.unacknowledged == accepted);
        world->shut_down_sending(pair.client);
        CHECK(world->socket_state(pair.client).unacknowledged == before.unacknowledged + 1);
        pair.close(pair.server, Ending::reset);
        REQUIRE(is_closed(*world, pair.client));
        CHECK(world->socket_state(pair.client).unacknowledged == before.unacknowledged + 1);
    });
}

// So few descriptors that a test can use them up.
class FewDescriptors {
public:
    FewDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit few{64, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    FewDescriptors(FewDescriptors&&) = delete;
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

TEMPLATE_TEST_CASE("socket: without a descriptor nothing is opened, and what waits goes on waiting",
                   "[runtime][contract]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        // UBSan needs a descriptor for the first look at each type that files are opened by.
        world->close(result_of(*world, Open{"/tmp", O_RDONLY | O_DIRECTORY, 0}));
        const FewDescriptors few;
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        const int client = world->open_socket(AF_INET).value();
        REQUIRE(result_of(*world, Connect{client, &to}) == 0);
        std::vector<int> fds;
        Result<int> fd = world->open_socket(AF_INET);
        for (; fd; fd = world->open_socket(AF_INET)) {
            fds.push_back(*fd);
        }
        CHECK(fd.error().os_errno == EMFILE);
        CHECK(world->listen(Endpoint::loopback(0), {}).error().os_errno == EMFILE);
        CHECK(result_of(*world, Open{"/tmp", O_RDONLY | O_DIRECTORY, 0}) == -EMFILE);
        CHECK(result_of(*world, Accept{listener}) == -EMFILE);

        world->close(fds.back());
        fds.pop_back();
        world->wait(Instant::min());
        Recorded accepting(*world, Accept{listener});
        REQUIRE(wait_for(*world, [&] { return !accepting.results.empty(); }));
        REQUIRE(accepting.last() >= 0);
        CHECK(world->peer_endpoint(accepting.last()) == world->local_endpoint(client));
        fds.push_back(accepting.last());
        accepting.cancel();
        REQUIRE(ends(*world, accepting));
        std::ranges::for_each(fds, [&](int each) { world->close(each); });
        world->close(client);
        world->close(listener);
    });
}

// What no healthy kernel can be made to say: a filter says it in its name, as the simulator's
// faults do (simulated_faults_test). No filter sees what io_uring calls.
TEST_CASE("socket: an accept that the kernel has no means for has taken nobody",
          "[runtime][contract]") {
    for (const int error : {ENFILE, ENOMEM}) {
        CAPTURE(error);
        OnEpoll world(0);
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        const int client = world->open_socket(AF_INET).value();
        REQUIRE(result_of(*world, Connect{client, &to}) == 0);
        std::int32_t refused = 0;
        without({.number = __NR_accept4, .error = error},
                [&] { refused = result_of(*world, Accept{listener}); });
        CHECK(refused == -error);
        Recorded accepting(*world, Accept{listener});
        REQUIRE(wait_for(*world, [&] { return !accepting.results.empty(); }));
        REQUIRE(accepting.last() >= 0);
        CHECK(world->peer_endpoint(accepting.last()) == world->local_endpoint(client));
        accepting.cancel();
        REQUIRE(ends(*world, accepting));
        world->close(accepting.results.front());
        world->close(client);
        world->close(listener);
    }
}

TEST_CASE("socket: a send that the kernel has no memory for has sent nothing, and all lives",
          "[runtime][contract]") {
    OnEpoll world(0);
    Pair pair(*world);
    CHECK(send(*world, pair.client, "one") == 3);
    std::int32_t refused = 0;
    const RefusedCall without_memory{.number = __NR_sendmsg, .error = ENOBUFS};
    without(without_memory, [&] { refused = send(*world, pair.client, "two"); });
    CHECK(refused == -ENOBUFS);
    CHECK(!world->socket_state(pair.client).closed);
    CHECK(send(*world, pair.client, "three") == 5);
    CHECK(receive_octets(*world, pair.server, 8) == "onethree");
}

}  // namespace
}  // namespace sluice::tests
