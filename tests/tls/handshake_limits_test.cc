// Of handshakes that take too long, and of too many at a time.

#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/tls/asking.h"

#include <chrono>
#include <memory>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using std::chrono::seconds;
using tests::Asking;
using tests::Connected;
using tests::House;
using tests::Serving;

struct Failures final : tls::HandshakeObserver {
    explicit Failures(Loop& on) : loop(on) {}
    void handshake_failed(const tls::HandshakeFailure& failure) noexcept override {
        errors.push_back(failure.error);
        last_at = loop.now();
    }

    Loop& loop;
    std::vector<Error> errors;
    Instant last_at = never;
};

void check_timed_out(const Error& error) {
    CHECK(error.code == Errc::timed_out);
    CHECK(error.phase == Phase::secure);
}

Task<Connected> connect_silently(Loop& loop, const Serving& serving) {
    TcpConnector connector(loop);
    ConnectTimes times;
    Connected connected = co_await connector.connect("127.0.0.1", serving.port(), times);
    REQUIRE(connected);
    co_return connected;
}

Task<> serve_silent(Loop& loop) {
    Serving serving(loop);
    Failures failures(loop);
    serving.acceptor().observe(&failures);
    const Connected silent = co_await connect_silently(loop, serving);
    const Instant begun = loop.now();
    const Connected accepted = co_await with_timeout(seconds(60), serving.acceptor().accept());
    CHECK_FALSE(accepted);
    REQUIRE(failures.errors.size() == 1);
    check_timed_out(failures.errors.front());
    CHECK(serving.acceptor().failures() == 1);
    const Duration took = failures.last_at - begun;
    CHECK(took >= tls::TlsAcceptorOptions().handshake_max);
    CHECK(took < tls::TlsAcceptorOptions().handshake_max + seconds(1));
    // Its connection is not kept.
    const tests::Input input = co_await tests::receive_all(**silent);
    CHECK((*silent)->peer_end() != PeerEnd::none);
    co_await (*silent)->close(Ending::orderly);
    co_await serving.acceptor().close();
}

TEST_CASE("tls acceptor: who says nothing is given up after the handshake's time, and told of",
          "[tls][acceptor]") {
    simulation::run({}, [](const simulation::World& world) { return serve_silent(world.loop); });
}

Task<> ask_silent(Loop& loop) {
    const std::unique_ptr<TcpAcceptor> acceptor =
        TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    Asking asking(loop);
    Failures failures(loop);
    asking.here().listens_at(acceptor->local().port());
    asking.connector().observe(&failures);
    const Instant begun = loop.now();
    ConnectTimes times;
    const Connected connected = co_await asking.connector().connect("server.example", 443, times);
    REQUIRE_FALSE(connected);
    check_timed_out(connected.error());
    REQUIRE(failures.errors.size() == 1);
    check_timed_out(failures.errors.front());
    const Duration took = loop.now() - begun;
    CHECK(took >= tls::TlsConnectorOptions().handshake_max);
    CHECK(took < tls::TlsConnectorOptions().handshake_max + seconds(1));
    CHECK(times.secured == never);
    co_await acceptor->close();
}

TEST_CASE("tls connector: a server that says nothing is given up after the handshake's time",
          "[tls][connector]") {
    simulation::run({}, [](const simulation::World& world) { return ask_silent(world.loop); });
}

// One that says nothing, and behind it one that does.
Task<> wait_for_room(Loop& loop, std::size_t handshakes_max) {
    Serving serving(loop, House::instance().server_context,
                    {.handshake_max = seconds(5), .handshakes_max = handshakes_max});
    const Connected silent = co_await connect_silently(loop, serving);
    Asking asking(loop);
    asking.here().listens_at(serving.port());
    const Instant begun = loop.now();
    ConnectTimes times;
    auto [client, server] = co_await when_all(
        asking.connector().connect("server.example", 443, times), serving.acceptor().accept());
    const bool was_at_once = loop.now() - begun < seconds(1);
    CHECK(was_at_once == (handshakes_max > 1));
    CHECK(serving.acceptor().failures() == (handshakes_max > 1 ? 0 : 1));
    REQUIRE(client);
    REQUIRE(server);
    co_await (*client)->close(Ending::orderly);
    co_await (*server)->close(Ending::orderly);
    co_await (*silent)->close(Ending::orderly);
    co_await serving.acceptor().close();
}

TEST_CASE("tls acceptor: only so many shake hands at a time, and the others wait",
          "[tls][acceptor]") {
    for (const std::size_t handshakes_max : {1U, 2U}) {
        CAPTURE(handshakes_max);
        simulation::run({}, [&](const simulation::World& world) {
            return wait_for_room(world.loop, handshakes_max);
        });
    }
}

}  // namespace
}  // namespace sluice
