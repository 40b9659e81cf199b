#include "sluice/runtime/tcp.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/support/on_kernel.h"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using std::chrono::seconds;

// Two ends of one connection.
struct Ends {
    std::unique_ptr<Transport> client;
    std::unique_ptr<Transport> server;
};

Task<Ends> connect(Loop& loop) {
    std::unique_ptr<TcpAcceptor> acceptor =
        TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    TcpConnector connector(loop);
    ConnectTimes times;
    Result<std::unique_ptr<Transport>> client =
        co_await connector.connect("127.0.0.1", acceptor->local().port(), times);
    Result<std::unique_ptr<Transport>> server = co_await acceptor->accept();
    REQUIRE(client);
    REQUIRE(server);
    co_await acceptor->close();
    Ends ends{std::move(*client), std::move(*server)};
    co_return ends;
}

Task<Result<std::uint64_t>> send(Transport& transport, std::string octets) {
    iovec part{octets.data(), octets.size()};
    const Result<std::uint64_t> sent = co_await transport.send(std::span(&part, 1));
    co_return sent;
}

Task<> send_then_end(Loop& loop) {
    Ends ends = co_await connect(loop);
    co_await ends.server->close(Ending::reset);
    co_await sleep_for(seconds(1));
    const Result<std::uint64_t> sent = co_await send(*ends.client, "hello");
    CHECK_FALSE(sent);
    const Result<void> shut = co_await ends.client->shut_down_sending();
    CHECK(shut);
    const Result<Received> received = co_await ends.client->receive();
    CHECK_FALSE(received.has_value());
    CHECK(ends.client->peer_end() == PeerEnd::reset);
    co_await ends.client->close(Ending::orderly);
}

TEST_CASE("tcp: a reset whose error a send has taken is no FIN, also after our own",
          "[runtime][tcp]") {
    simulation::run({}, [](const simulation::World& world) { return send_then_end(world.loop); });
}

class Listener final : public PeerEndListener {
public:
    std::vector<PeerEnd> told;
    Event more;

    void peer_ended(PeerEnd end) noexcept override {
        told.push_back(end);
        more.set();
    }
};

// The next that it is told, for as long as that may take.
Task<Result<void>> tells(Listener& listener) {
    const bool told = co_await listener.more.wait();
    listener.more.reset();
    co_return told ? Result<void>() : failure(Errc::cancelled, Phase::wait);
}

Task<> reset_behind_fin(Loop& loop) {
    Ends ends = co_await connect(loop);
    Listener listener;
    ends.server->listen_for_peer_end(&listener);
    CHECK_FALSE(ends.server->try_receive().has_value());
    const Result<void> shut = co_await ends.client->shut_down_sending();
    CHECK(shut);
    const Result<void> first = co_await with_timeout(seconds(10), tells(listener));
    CHECK(first);
    co_await ends.client->close(Ending::reset);
    const Result<void> second = co_await with_timeout(seconds(10), tells(listener));
    CHECK(second);
    CHECK(listener.told == std::vector<PeerEnd>{PeerEnd::fin, PeerEnd::reset});
    co_await ends.server->close(Ending::orderly);
}

TEST_CASE("tcp: a reset behind a FIN is told, on the kernel and in the simulator",
          "[runtime][tcp]") {
    simulation::run({},
                    [](const simulation::World& world) { return reset_behind_fin(world.loop); });
    tests::Kernel kernel;
    kernel.run(reset_behind_fin(kernel.loop()));
}

// The client sends `octets`, perhaps ends its sending, and is gone; nobody reads at the server.
Task<std::vector<PeerEnd>> told_of(Loop& loop, std::string octets, bool ends_first) {
    Ends ends = co_await connect(loop);
    Listener listener;
    ends.server->listen_for_peer_end(&listener);
    CHECK_FALSE(ends.server->try_receive().has_value());
    const Result<std::uint64_t> sent = co_await send(*ends.client, octets);
    CHECK(sent);
    if (ends_first) {
        const Result<void> shut = co_await ends.client->shut_down_sending();
        CHECK(shut);
    }
    co_await sleep_for(seconds(1));
    co_await ends.client->close(Ending::reset);
    co_await sleep_for(seconds(1));
    CHECK(ends.server->peer_end() == PeerEnd::reset);
    std::uint64_t received = 0;
    bool more = true;
    while (more) {
        const Result<Received> piece = co_await ends.server->receive();
        more = piece.has_value();
        received += more ? piece->size() : 0;
        CHECK((more || piece.error().code == Errc::reset));
    }
    CHECK(received == octets.size());  // What came before the reset is still there.
    co_await ends.server->close(Ending::orderly);
    co_return listener.told;
}

TEST_CASE("tcp: a reset is told behind a FIN, and behind octets that nobody reads",
          "[runtime][tcp]") {
    const std::vector<PeerEnd> reset = {PeerEnd::reset};
    const std::vector<PeerEnd> both = {PeerEnd::fin, PeerEnd::reset};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        CAPTURE(seed);
        const auto told = [&](std::size_t octets, bool ends_first) {
            return simulation::run({.seed = seed, .buffer_octets = 1024},
                                   [=](const simulation::World& world) {
                                       const std::string sent(octets, 'x');
                                       return told_of(world.loop, sent, ends_first);
                                   });
        };
        CHECK(told(10, false) == reset);
        CHECK(told(10, true) == both);
        CHECK(told(50'000, false) == reset);
        CHECK(told(50'000, true).back() == PeerEnd::reset);
    }
}

void check_lost(const Error& error) {
    CHECK(error.code == Errc::timed_out);
    CHECK(error.os_errno == ETIMEDOUT);
}

enum class Asks { receive, poll, send };

// TCP gives up what the client sends. Who waits hears why, or who sends next, and then all others.
Task<> given_up(simulation::SimulatedBackend& backend, Loop& loop, Asks first) {
    Ends ends = co_await connect(loop);
    Listener listener;
    ends.client->listen_for_peer_end(&listener);
    if (first != Asks::send) {
        CHECK_FALSE(ends.client->try_receive().has_value());
    }
    const std::string before(first == Asks::poll ? 50'000 : 0, 'b');  // Nobody reads it yet.
    const Result<std::uint64_t> answered = co_await send(*ends.server, before);
    CHECK(answered);
    co_await sleep_for(seconds(1));
    for (const auto way : {simulation::Direction::to_server, simulation::Direction::to_client}) {
        backend.cut(0, way, simulation::CutKind::silence);
    }
    const Result<std::uint64_t> sent = co_await send(*ends.client, "lost");
    CHECK(sent);
    co_await sleep_for(seconds(1000));
    CHECK(ends.client->peer_end() == (first == Asks::send ? PeerEnd::none : PeerEnd::lost));
    const Result<std::uint64_t> again = co_await send(*ends.client, "again");
    REQUIRE_FALSE(again);
    check_lost(again.error());
    std::uint64_t received = 0;
    Result<Received> piece = co_await ends.client->receive();
    while (piece) {
        received += piece->size();
        piece = co_await ends.client->receive();
    }
    check_lost(piece.error());
    CHECK(received == before.size());
    CHECK(listener.told == std::vector<PeerEnd>{PeerEnd::lost});
    const Result<void> acknowledged = co_await ends.client->acknowledged();
    REQUIRE_FALSE(acknowledged);
    check_lost(acknowledged.error());
    co_await ends.client->close(Ending::orderly);
    co_await ends.server->close(Ending::orderly);
}

TEST_CASE("tcp: a connection that TCP gave up is lost, and was not reset, whoever asks first",
          "[runtime][tcp]") {
    const auto first = GENERATE(Asks::receive, Asks::poll, Asks::send);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        CAPTURE(first, seed);
        simulation::run({.seed = seed, .buffer_octets = 1024}, [=](const simulation::World& world) {
            return given_up(world.backend, world.loop, first);
        });
    }
}

}  // namespace
}  // namespace sluice
