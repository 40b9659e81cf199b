// What a Backend promises of its operations: completion, multishot, cancelling, buffers, waiting.
//
// Ends of connections are in connection_contract_test.cc, files in file_contract_test.cc.

#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/runtime/uring_backend.h"
#include "sluice/tests/runtime/contract.h"

#include <poll.h>

#include <algorithm>
#include <thread>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;

TEMPLATE_TEST_CASE("backend: port 0 becomes a port, and both ends agree on who is who",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        CHECK(world->local_endpoint(pair.listener).port() != 0);
        CHECK(world->peer_endpoint(pair.client) == world->local_endpoint(pair.listener));
        CHECK(world->local_endpoint(pair.server) == world->peer_endpoint(pair.client));
        CHECK(world->peer_endpoint(pair.server) == world->local_endpoint(pair.client));
    });
}

TEMPLATE_TEST_CASE("backend: a taken port is refused, unless both share it", "[runtime][contract]",
                   OnSimulation, OnUring, OnOldUring, OnEpoll) {
    TestType world(0);
    const int first = world->listen(Endpoint::loopback(0), {.share_port = true}).value();
    const Endpoint at = world->local_endpoint(first);
    const Result<int> second = world->listen(at, {.share_port = true});
    REQUIRE(second.has_value());
    const Result<int> alone = world->listen(at, {});
    REQUIRE(!alone.has_value());
    CHECK(alone.error().os_errno == EADDRINUSE);
    world->close(first);
    world->close(*second);
}

TEMPLATE_TEST_CASE("backend: nobody listens, so a connect is refused", "[runtime][contract]",
                   OnSimulation, OnUring, OnOldUring, OnEpoll) {
    TestType world(0);
    const int listener = world->listen(Endpoint::loopback(0), {}).value();
    const Endpoint to = world->local_endpoint(listener);
    world->close(listener);
    world->wait(Instant::min());
    const int fd = world->open_socket(AF_INET).value();
    CHECK(result_of(*world, Connect{fd, &to}) == -ECONNREFUSED);
    world->close(fd);
}

TEMPLATE_TEST_CASE("backend: one accept yields every connection, and goes on after its end",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        std::vector<int> fds;
        Recorded accepting(*world, Accept{listener});
        for (int connections = 0; connections < 5; ++connections) {
            fds.push_back(world->open_socket(AF_INET).value());
            REQUIRE(result_of(*world, Connect{fds.back(), &to}) == 0);
            if (connections == 2) {
                accepting.cancel();
                REQUIRE(ends(*world, accepting));
                accepting.submit_again();
            }
        }
        const auto is_descriptor = [](std::int32_t result) { return result >= 0; };
        CHECK(wait_for(
            *world, [&] { return std::ranges::count_if(accepting.results, is_descriptor) == 5; }));
        accepting.cancel();
        REQUIRE(ends(*world, accepting));
        std::ranges::copy_if(accepting.results, std::back_inserter(fds), is_descriptor);
        for (const int fd : fds) {
            world->close(fd);
        }
        world->close(listener);
    });
}

TEMPLATE_TEST_CASE("backend: what is sent in parts arrives whole and in order",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const std::string text = more_than_fits().substr(0, 300'000);
        const std::array<iovec, 3> parts{{{const_cast<char*>(text.data()), 1},
                                          {const_cast<char*>(text.data()) + 1, 100'000},
                                          {const_cast<char*>(text.data()) + 100'001, 199'999}}};
        Recorded sending(*world, Send{pair.client, parts});
        const std::string received = receive_octets(*world, pair.server, text.size());
        REQUIRE(ends(*world, sending));
        CHECK(sending.results == std::vector<std::int32_t>{300'000});
        CHECK((received == text));
    });
}

TEMPLATE_TEST_CASE("backend: a receive waits for octets, and ends when it is cancelled",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        Recorded receiving(*world, Receive{pair.server});
        REQUIRE(send(*world, pair.client, "one") == 3);
        REQUIRE(wait_for(*world, [&] { return receiving.octets == "one"; }));
        REQUIRE(send(*world, pair.client, "two") == 3);
        REQUIRE(wait_for(*world, [&] { return receiving.octets == "onetwo"; }));
        CHECK(!receiving.ended);
        CHECK(receiving.state == Operation::State::in_flight);
        receiving.cancel();
        REQUIRE(ends(*world, receiving));
        CHECK(receiving.last() == -ECANCELED);
        CHECK(receiving.state == Operation::State::idle);
    });
}

TEMPLATE_TEST_CASE("backend: each kind of waiting operation ends when it is cancelled",
                   "[runtime][contract][trap-19]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts(more_than_fits());
        Recorded accepting(*world, Accept{pair.listener});
        Recorded receiving(*world, Receive{pair.client});
        Recorded polling(*world, Poll{pair.client, POLLRDHUP});
        Recorded sending(*world, Send{pair.client, parts});
        world->wait(Instant::min());
        for (Recorded* const each : {&accepting, &receiving, &polling, &sending}) {
            CHECK(!each->ended);
            each->cancel();
            each->cancel();  // Twice is once.
        }
        for (Recorded* const each : {&accepting, &receiving, &polling, &sending}) {
            REQUIRE(ends(*world, *each));
            CHECK(each->results.size() == 1);  // The cancel itself completes nothing else.
        }
        CHECK(accepting.last() == -ECANCELED);
        CHECK(receiving.last() == -ECANCELED);
        CHECK(polling.last() == -ECANCELED);
        polling.cancel();  // Of an idle one: nothing.
        world->wait(Instant::min());
        CHECK(polling.results.size() == 1);
    });
}

TEMPLATE_TEST_CASE("backend: a cancelled connect either is connected, or says that it is not",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        const int fd = world->open_socket(AF_INET).value();
        Recorded connecting(*world, Connect{fd, &to});
        connecting.cancel();
        REQUIRE(ends(*world, connecting));
        CHECK((connecting.last() == 0 || connecting.last() == -ECANCELED));
        world->close(fd, Ending::reset);
        world->close(listener);
    });
}

TEMPLATE_TEST_CASE("backend: a cancelled send reports exactly what the peer then can read",
                   "[runtime][contract][trap-1]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts(more_than_fits());
        Recorded sending(*world, Send{pair.client, parts});
        Recorded full(*world, Poll{pair.server, POLLIN});
        REQUIRE(ends(*world, full));
        CHECK(!sending.ended);
        sending.cancel();
        REQUIRE(ends(*world, sending));
        REQUIRE(sending.last() > 0);
        CHECK(static_cast<std::size_t>(sending.last()) < more_than_fits().size());

        world->shut_down_sending(pair.client);
        const Input input = receive_to_end(*world, pair.server);
        CHECK(input.end == 0);
        CHECK(input.octets.size() == static_cast<std::size_t>(sending.last()));
        CHECK(more_than_fits().starts_with(input.octets));
    });
}

TEMPLATE_TEST_CASE("backend: what a cancelled receive had taken is delivered, the rest stays",
                   "[runtime][contract][trap-4][trap-17]", OnSimulation, OnUring, OnOldUring,
                   OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        std::string received;
        Recorded receiving(*world, Receive{pair.server});
        for (int round = 0; round < 50; ++round) {
            REQUIRE(send(*world, pair.client, "octets") == 6);
            receiving.cancel();
            REQUIRE(ends(*world, receiving));
            received += std::exchange(receiving.octets, {});
            receiving.submit_again();
        }
        REQUIRE(wait_for(*world, [&] { return received.size() + receiving.octets.size() == 300; }));
    });
}

TEMPLATE_TEST_CASE("backend: a connection that a cancelled accept had taken is delivered",
                   "[runtime][contract][trap-4]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int listener = world->listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = world->local_endpoint(listener);
        Recorded accepting(*world, Accept{listener});
        std::vector<int> fds;
        const auto accepted = [&] {
            return std::ranges::count_if(accepting.results, [](int each) { return each >= 0; });
        };
        for (int round = 0; round < 20; ++round) {
            fds.push_back(world->open_socket(AF_INET).value());
            Recorded connecting(*world, Connect{fds.back(), &to});
            accepting.cancel();
            REQUIRE(ends(*world, accepting));
            REQUIRE(ends(*world, connecting));
            accepting.submit_again();
        }
        REQUIRE(wait_for(*world, [&] { return accepted() == 20; }));
        accepting.cancel();
        REQUIRE(ends(*world, accepting));
        std::ranges::copy_if(accepting.results, std::back_inserter(fds),
                             [](int each) { return each >= 0; });
        std::ranges::for_each(fds, [&](int fd) { world->close(fd); });
        world->close(listener);
    });
}

TEMPLATE_TEST_CASE("backend: a completion that waits to be seen outlives a cancel",
                   "[runtime][contract][trap-18]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const Parts parts("whole");
        Recorded sending(*world, Send{pair.client, parts});
        sending.cancel();  // It has room, so the kernel takes it at once.
        REQUIRE(ends(*world, sending));
        CHECK(sending.last() == 5);
        CHECK(receive_octets(*world, pair.server, 5) == "whole");
    });
}

TEMPLATE_TEST_CASE("backend: a receive that was reaped before the close eats nobody's octets",
                   "[runtime][contract][trap-3]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair first(*world);
        Recorded orphan(*world, Receive{first.server});
        world->wait(Instant::min());
        orphan.cancel();
        REQUIRE(ends(*world, orphan));
        first.close(first.server);
        world->wait(Instant::min());

        Pair second(*world);  // On the kernel it may well have the descriptor that was closed.
        REQUIRE(send(*world, second.client, "mine") == 4);
        CHECK(receive_octets(*world, second.server, 4) == "mine");
        CHECK(orphan.octets.empty());
    });
}

TEMPLATE_TEST_CASE("backend: with every buffer lent a receive waits, and goes on when one is back",
                   "[runtime][contract][trap-20]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const std::size_t pool = std::size_t{contract_buffers} * contract_buffer_octets;
        const std::string text = more_than_fits().substr(0, 2 * pool);
        Recorded receiving(*world, Receive{pair.server});
        receiving.keeps_buffers = true;
        REQUIRE(send(*world, pair.client, text) == static_cast<std::int32_t>(text.size()));
        REQUIRE(wait_for(*world, [&] { return receiving.kept.size() == contract_buffers; }));
        world->wait(world->now() + 1ms);
        CHECK(!receiving.ended);
        CHECK(receiving.kept.size() == contract_buffers);

        // Each one that goes back lets one more in.
        while (receiving.octets.size() < text.size()) {
            const std::size_t before = receiving.octets.size();
            receiving.kept.erase(receiving.kept.begin());
            REQUIRE(wait_for(*world, [&] { return receiving.octets.size() > before; }));
            REQUIRE(!receiving.ended);
        }
        CHECK((receiving.octets == text));
        receiving.cancel();
        REQUIRE(ends(*world, receiving));
    });
}

TEMPLATE_TEST_CASE("backend: a receive that waits for a buffer can be cancelled",
                   "[runtime][contract][trap-20]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        Pair pair(*world);
        const std::size_t pool = std::size_t{contract_buffers} * contract_buffer_octets;
        const std::string text = more_than_fits().substr(0, 2 * pool);
        Recorded receiving(*world, Receive{pair.server});
        receiving.keeps_buffers = true;
        REQUIRE(send(*world, pair.client, text) == static_cast<std::int32_t>(text.size()));
        REQUIRE(wait_for(*world, [&] { return receiving.kept.size() == contract_buffers; }));
        world->wait(world->now() + 1ms);
        receiving.cancel();
        REQUIRE(ends(*world, receiving));
        CHECK(receiving.last() == -ECANCELED);
        receiving.kept.clear();
        CHECK(receiving.octets + receive_octets(*world, pair.server, pool) == text);
    });
}

TEMPLATE_TEST_CASE("backend: a wait ends at its time when nothing happens, and time goes forward",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    TestType world(0);
    const Instant before = world->now();
    world->wait(before + 3ms);
    const Instant after = world->now();
    CHECK(after >= before + 3ms);
    world->wait(before);  // Past.
    world->wait(Instant::min());
    CHECK(world->now() >= after);
}

TEMPLATE_TEST_CASE("backend: wake() ends a wait, also one that has yet to begin",
                   "[runtime][contract]", OnSimulation, OnUring, OnOldUring, OnEpoll) {
    TestType world(0);
    const Instant before = world->now();
    std::thread waking([&] { world->wake(); });
    waking.join();
    world->wait(before + 1h);
    CHECK(world->now() < before + 1h);
}

TEST_CASE("backend: wake() from another thread ends a wait that would not end",
          "[runtime][contract]") {
    SECTION("simulated, where other threads are announced") {
        simulation::SimulatedBackend backend({.other_threads = true});
        std::thread waking([&] { backend.wake(); });
        backend.wait(never);
        waking.join();
    }
    SECTION("io_uring") {
        const std::unique_ptr<UringBackend> backend = UringBackend::create().value();
        std::thread waking([&] { backend->wake(); });
        backend->wait(never);
        waking.join();
    }
}

}  // namespace
}  // namespace sluice::tests
