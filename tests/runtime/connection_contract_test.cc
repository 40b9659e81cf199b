// How connections end, on the kernel and in the simulator: FIN, reset, close, and what becomes of
// octets on the way. Each case is a rule of Linux that an outcome rests on.

#include "sluice/tests/runtime/contract.h"

#include <poll.h>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t saw_fin = POLLRDHUP;                        // 8192
constexpr std::int32_t saw_reset = POLLRDHUP | POLLHUP | POLLERR;  // 8216

// After a reset: the error, or, once a call has taken it, only that both directions have ended.
bool tells_reset(std::int32_t events) {
    return (events | POLLERR) == saw_reset;
}

std::int32_t poll_for_end(Backend& backend, int fd) {
    return result_of(backend, Poll{fd, POLLRDHUP});
}

// What the peer's kernel has, it has said so.
bool all_acknowledged(Backend& backend, int fd) {
    return wait_for(backend, [&] { return backend.socket_state(fd).unacknowledged == 0; });
}

TEMPLATE_TEST_CASE("connection: a FIN ends the input, is told as one, and leaves sending alone",
                   "[runtime][contract][trap-2]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        REQUIRE(send(*world, pair.client, "last") == 4);
        world->shut_down_sending(pair.client);
        CHECK(poll_for_end(*world, pair.server) == saw_fin);  // Past the unread octets.
        CHECK(world->socket_state(pair.server).finished_by_peer);
        CHECK(!world->socket_state(pair.server).closed);

        const Input input = receive_to_end(*world, pair.server);
        CHECK(input.octets == "last");
        CHECK(input.end == 0);
        CHECK(result_of(*world, Receive{pair.server}) == 0);  // And again.

        REQUIRE(send(*world, pair.server, "answer") == 6);
        CHECK(receive_octets(*world, pair.client, 6) == "answer");
    });
}

TEMPLATE_TEST_CASE("connection: it knows both addresses, also once it has ended",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Endpoint client = world->local_endpoint(pair.client);
        const Endpoint server = world->local_endpoint(pair.server);
        CHECK(world->peer_endpoint(pair.server) == client);
        CHECK(world->peer_endpoint(pair.client) == server);
        const auto has_closed = [&] { return world->socket_state(pair.server).closed; };
        SECTION("by the FINs of both") {
            world->shut_down_sending(pair.client);
            CHECK(receive_to_end(*world, pair.server).end == 0);
            world->shut_down_sending(pair.server);
            CHECK(wait_for(*world, has_closed));
        }
        SECTION("by a reset") {
            pair.close(pair.client, Ending::reset);
            CHECK(wait_for(*world, has_closed));
        }
        CHECK(world->peer_endpoint(pair.server) == client);
        CHECK(world->local_endpoint(pair.server) == server);
    });
}

TEMPLATE_TEST_CASE("connection: after both FINs it is closed, in good order", "[runtime][contract]",
                   OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        world->shut_down_sending(pair.client);
        CHECK(receive_to_end(*world, pair.server).end == 0);
        world->shut_down_sending(pair.server);
        CHECK(receive_to_end(*world, pair.client).end == 0);
        CHECK(wait_for(*world, [&] {
            return world->socket_state(pair.client).closed &&
                   world->socket_state(pair.server).closed;
        }));
        CHECK(poll_for_end(*world, pair.client) == (POLLRDHUP | POLLHUP));
        CHECK(send(*world, pair.client, "more") == -EPIPE);
    });
}

TEMPLATE_TEST_CASE("connection: a reset is an error of the receive that waits",
                   "[runtime][contract][trap-2]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        Recorded receiving(*world, Receive{pair.server});
        world->wait(Instant::min());
        pair.close(pair.client, Ending::reset);
        REQUIRE(ends(*world, receiving));
        CHECK(receiving.last() == -ECONNRESET);
        CHECK(world->socket_state(pair.server).closed);
        CHECK(!world->socket_state(pair.server).finished_by_peer);
        CHECK(tells_reset(poll_for_end(*world, pair.server)));
    });
}

TEMPLATE_TEST_CASE("connection: a reset is seen past unread octets, which can still be read",
                   "[runtime][contract][trap-2]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        Recorded watching(*world, Poll{pair.server, POLLRDHUP});
        REQUIRE(send(*world, pair.client, "before") == 6);
        REQUIRE(all_acknowledged(*world, pair.client));
        CHECK(!watching.ended);
        pair.close(pair.client, Ending::reset);
        REQUIRE(ends(*world, watching));
        CHECK(watching.last() == saw_reset);

        const Input input = receive_to_end(*world, pair.server);
        CHECK(input.octets == "before");
        CHECK(input.end == -ECONNRESET);
        CHECK(result_of(*world, Receive{pair.server}) == 0);  // The error is told once.
    });
}

TEMPLATE_TEST_CASE("connection: a reset during a send shows as its partial, then looks like a FIN",
                   "[runtime][contract][trap-2]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts(more_than_fits());
        Recorded sending(*world, Send{pair.client, parts});
        REQUIRE(receive_octets(*world, pair.server, 1).size() > 0);
        CHECK(!sending.ended);
        pair.close(pair.server, Ending::reset);
        REQUIRE(ends(*world, sending));
        CHECK(sending.last() > 0);
        CHECK(static_cast<std::size_t>(sending.last()) < more_than_fits().size());

        // The send took the error: only TCP's state tells that this is no FIN.
        CHECK(result_of(*world, Receive{pair.client}) == 0);
        CHECK(world->socket_state(pair.client).closed);
        CHECK(poll_for_end(*world, pair.client) == (POLLRDHUP | POLLHUP));
        CHECK(send(*world, pair.client, "more") == -EPIPE);
    });
}

TEMPLATE_TEST_CASE("connection: a reset tells an armed poll, whoever else takes the error",
                   "[runtime][contract][trap-2]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts(more_than_fits());
        Recorded watching(*world, Poll{pair.client, POLLRDHUP});
        Recorded receiving(*world, Receive{pair.client});
        Recorded sending(*world, Send{pair.client, parts});
        REQUIRE(receive_octets(*world, pair.server, 1).size() > 0);
        pair.close(pair.server, Ending::reset);
        REQUIRE(ends(*world, watching));
        REQUIRE(ends(*world, receiving));
        REQUIRE(ends(*world, sending));
        CHECK(tells_reset(watching.last()));
        CHECK(sending.last() > 0);
        CHECK((receiving.last() == 0 || receiving.last() == -ECONNRESET));
    });
}

TEMPLATE_TEST_CASE("connection: a reset after the FIN is an EPIPE of the next send",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        world->shut_down_sending(pair.client);
        REQUIRE(receive_to_end(*world, pair.server).end == 0);
        pair.close(pair.client, Ending::reset);
        REQUIRE(wait_for(*world, [&] { return world->socket_state(pair.server).closed; }));
        CHECK(poll_for_end(*world, pair.server) == saw_reset);
        CHECK(result_of(*world, Receive{pair.server}) == 0);
        CHECK(send(*world, pair.server, "late") == -EPIPE);
    });
}

TEMPLATE_TEST_CASE("connection: a reset drops what was accepted and not transmitted",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts(more_than_fits());
        Recorded sending(*world, Send{pair.client, parts});
        Recorded full(*world, Poll{pair.server, POLLIN});
        REQUIRE(ends(*world, full));
        sending.cancel();
        REQUIRE(ends(*world, sending));
        pair.close(pair.client, Ending::reset);
        REQUIRE(wait_for(*world, [&] { return world->socket_state(pair.server).closed; }));
        const Input input = receive_to_end(*world, pair.server);
        CHECK(input.end == -ECONNRESET);
        CHECK(input.octets.size() < static_cast<std::size_t>(sending.last()));
        CHECK(more_than_fits().starts_with(input.octets));
    });
}

TEMPLATE_TEST_CASE("connection: an orderly close delivers everything, then a FIN",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const std::string text = more_than_fits().substr(0, 100'000);
        REQUIRE(send(*world, pair.client, text) == 100'000);
        pair.close(pair.client);
        const Input input = receive_to_end(*world, pair.server);
        CHECK((input.octets == text));
        CHECK(input.end == 0);
        CHECK(world->socket_state(pair.server).finished_by_peer);
    });
}

TEMPLATE_TEST_CASE("connection: a close with unread input is a reset that destroys unsent octets",
                   "[runtime][contract][trap-9]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        REQUIRE(send(*world, pair.client, "never read") == 10);
        REQUIRE(all_acknowledged(*world, pair.client));
        const Parts parts(more_than_fits());
        Recorded sending(*world, Send{pair.server, parts});
        Recorded full(*world, Poll{pair.client, POLLIN});
        REQUIRE(ends(*world, full));
        sending.cancel();
        REQUIRE(ends(*world, sending));
        REQUIRE(sending.last() > 0);
        pair.close(pair.server);
        REQUIRE(wait_for(*world, [&] { return world->socket_state(pair.client).closed; }));
        const Input input = receive_to_end(*world, pair.client);
        CHECK(input.end == -ECONNRESET);
        CHECK(input.octets.size() < static_cast<std::size_t>(sending.last()));
    });
}

TEMPLATE_TEST_CASE("connection: an octet that comes after a close resets the sender",
                   "[runtime][contract][trap-9][trap-11]", OnSimulation, OnUring, OnOldUring,
                   OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        pair.close(pair.server);
        REQUIRE(poll_for_end(*world, pair.client) == saw_fin);
        CHECK(send(*world, pair.client, "first") == 5);  // Succeeds: nobody has told us yet.
        REQUIRE(wait_for(*world, [&] { return world->socket_state(pair.client).closed; }));
        CHECK(poll_for_end(*world, pair.client) == saw_reset);
        CHECK(send(*world, pair.client, "second") == -EPIPE);
        CHECK(result_of(*world, Receive{pair.client}) == 0);  // The FIN came first.
    });
}

TEMPLATE_TEST_CASE("connection: an early answer is read after the upload's send has failed",
                   "[runtime][contract][trap-10]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts(more_than_fits());
        Recorded sending(*world, Send{pair.client, parts});
        REQUIRE(receive_octets(*world, pair.server, 1).size() > 0);
        REQUIRE(send(*world, pair.server, "413") == 3);
        REQUIRE(all_acknowledged(*world, pair.server));
        pair.close(pair.server);  // With unread input: a reset.
        REQUIRE(ends(*world, sending));
        CHECK(receive_to_end(*world, pair.client).octets == "413");
    });
}

TEMPLATE_TEST_CASE("connection: accepted, acknowledged and read are three things",
                   "[runtime][contract][trap-7]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        REQUIRE(send(*world, pair.client, "unread") == 6);
        CHECK(all_acknowledged(*world, pair.client));  // Though nobody has read.
        CHECK(world->socket_state(pair.client).acknowledged == 6);

        const Parts parts(more_than_fits());
        Recorded sending(*world, Send{pair.client, parts});
        Recorded writable(*world, Poll{pair.client, POLLOUT});
        world->wait(world->now() + 5ms);
        CHECK(!sending.ended);
        CHECK(world->socket_state(pair.client).unacknowledged > 0);  // Accepted, and stuck.
        writable.cancel();
        sending.cancel();
        REQUIRE(ends(*world, writable));
        REQUIRE(ends(*world, sending));
    });
}

TEMPLATE_TEST_CASE("connection: behind a full window neither a FIN nor a close is seen",
                   "[runtime][contract][trap-15]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts(more_than_fits());
        Recorded watching(*world, Poll{pair.server, POLLRDHUP});
        Recorded sending(*world, Send{pair.client, parts});
        std::uint64_t acknowledged = 0;
        int waits_without_progress = 0;
        REQUIRE(wait_for(*world, [&] {
            world->wait(world->now() + 20ms);
            const std::uint64_t now = world->socket_state(pair.client).acknowledged;
            waits_without_progress = now == acknowledged ? waits_without_progress + 1 : 0;
            acknowledged = now;
            return acknowledged > 0 && waits_without_progress == 5;
        }));
        sending.cancel();
        REQUIRE(ends(*world, sending));
        pair.close(pair.client);
        world->wait(world->now() + 20ms);
        CHECK(!watching.ended);

        const Input input = receive_to_end(*world, pair.server);
        CHECK(input.octets.size() == static_cast<std::size_t>(sending.last()));
        CHECK(input.end == 0);
        REQUIRE(ends(*world, watching));
        CHECK(watching.last() == saw_fin);
    });
}

TEMPLATE_TEST_CASE("connection: nobody accepted it, so the listener's close resets it",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        const int fd = world->open_socket(AF_INET).value();
        REQUIRE(result_of(*world, Connect{fd, &to}) == 0);
        CHECK(send(*world, fd, "early") == 5);
        REQUIRE(all_acknowledged(*world, fd));
        Recorded receiving(*world, Receive{fd});
        world->wait(Instant::min());
        world->close(listener);
        REQUIRE(ends(*world, receiving));
        CHECK(receiving.last() == -ECONNRESET);
        world->close(fd);
    });
}

TEMPLATE_TEST_CASE("connection: what the client sent before the accept is there after it",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        const int client = world->open_socket(AF_INET).value();
        REQUIRE(result_of(*world, Connect{client, &to}) == 0);
        REQUIRE(send(*world, client, "early") == 5);
        world->close(client);
        Recorded accepting(*world, Accept{listener});
        REQUIRE(wait_for(*world, [&] { return !accepting.results.empty(); }));
        const int server = accepting.results.front();
        const Input input = receive_to_end(*world, server);
        CHECK(input.octets == "early");
        CHECK(input.end == 0);
        accepting.cancel();
        REQUIRE(ends(*world, accepting));
        world->close(server);
        world->close(listener);
    });
}

}  // namespace
}  // namespace sluice::tests
