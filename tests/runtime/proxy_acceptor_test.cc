#include "sluice/runtime/proxy_acceptor.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/runtime/contract.h"
#include "sluice/tests/support/stopped_accept.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view header = "PROXY TCP4 192.0.2.1 198.51.100.2 56789 443\r\n";

struct Refusal {
    Error error;
    Endpoint proxy;
};

// An acceptor that expects headers, and what it refused.
class Expecting {
public:
    explicit Expecting(Loop& loop, std::size_t headers_max = 1024)
        : beneath_(TcpAcceptor::listen(loop, Endpoint::loopback(0)).value()),
          acceptor_(loop, *beneath_,
                    {.headers_max = headers_max,
                     .on_refused = [this](const Error& error, const Endpoint& proxy) {
                         refusals.push_back({error, proxy});
                     }}) {}

    [[nodiscard]] ProxyAcceptor& acceptor() noexcept { return acceptor_; }
    std::vector<Refusal> refusals;

private:
    std::unique_ptr<TcpAcceptor> beneath_;
    ProxyAcceptor acceptor_;
};

Task<std::unique_ptr<Transport>> connect(Loop& loop, ProxyAcceptor& to) {
    TcpConnector connector(loop);
    ConnectTimes times;
    Result<std::unique_ptr<Transport>> connected =
        co_await connector.connect("127.0.0.1", to.local().port(), times);
    REQUIRE(connected);
    co_return std::move(*connected);
}

Task<> say(Transport& transport, std::string_view octets) {
    iovec part{const_cast<char*>(octets.data()), octets.size()};
    const Result<std::uint64_t> sent = co_await transport.send(std::span(&part, 1));
    CHECK(sent);
}

Task<std::string> hear(Transport& transport, std::size_t count) {
    std::string octets;
    while (octets.size() < count) {
        const Result<Received> piece = co_await transport.receive();
        REQUIRE(piece);
        REQUIRE_FALSE(piece->empty());
        const std::span<const std::byte> more = piece->octets();
        octets.append(reinterpret_cast<const char*>(more.data()), more.size());
    }
    co_return octets;
}

Task<> introduce(Loop& loop, std::size_t split) {
    Expecting expecting(loop);
    const std::unique_ptr<Transport> proxy = co_await connect(loop, expecting.acceptor());
    const std::string said = std::string(header) + "hello";
    co_await say(*proxy, std::string_view(said).substr(0, split));
    co_await sleep_for(std::chrono::milliseconds(1));  // They arrive apart.
    co_await say(*proxy, std::string_view(said).substr(split));
    const Result<std::unique_ptr<Transport>> taken = co_await expecting.acceptor().accept();
    REQUIRE(taken);
    Transport& connection = **taken;
    CHECK(connection.peer().text() == "192.0.2.1:56789");
    CHECK(connection.local().text() == "198.51.100.2:443");
    const std::string first = co_await hear(connection, 5);
    CHECK(first == "hello");
    co_await say(*proxy, "more");
    const std::string second = co_await hear(connection, 4);
    CHECK(second == "more");
    co_await say(connection, "answer");
    const std::string answer = co_await hear(*proxy, 6);
    CHECK(answer == "answer");
    co_await connection.close(Ending::orderly);
    co_await proxy->close(Ending::orderly);
    co_await expecting.acceptor().close();
    CHECK(expecting.refusals.empty());
}

TEMPLATE_TEST_CASE("proxy acceptor: the client is who the proxy says, and its octets follow",
                   "[runtime][proxy]", OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    Loop loop(*world);
    block_on(loop, introduce(loop, header.size() + 5));
    block_on(loop, introduce(loop, 20));
}

TEST_CASE("proxy acceptor: a header may come in pieces, cut at any octet", "[runtime][proxy]") {
    for (std::size_t split = 1; split < header.size() + 5; ++split) {
        CAPTURE(split);
        simulation::run(
            {}, [&](const simulation::World& world) { return introduce(world.loop, split); });
    }
}

// Closes both ends of a connection whose proxy speaks for itself.
Task<> take_of_proxy_itself(Expecting& expecting, Transport& proxy) {
    co_await say(proxy, "PROXY UNKNOWN\r\n");
    const Result<std::unique_ptr<Transport>> taken = co_await expecting.acceptor().accept();
    REQUIRE(taken);
    CHECK((*taken)->peer() == proxy.local());
    CHECK((*taken)->local() == proxy.peer());
    co_await (*taken)->close(Ending::orderly);
    co_await proxy.close(Ending::orderly);
}

Task<> refuse(Loop& loop) {
    Expecting expecting(loop);
    ProxyAcceptor& acceptor = expecting.acceptor();
    const std::unique_ptr<Transport> silent = co_await connect(loop, acceptor);
    const std::unique_ptr<Transport> stranger = co_await connect(loop, acceptor);
    co_await say(*stranger, "GET / HTTP/1.1\r\n\r\n");
    const std::unique_ptr<Transport> proxy = co_await connect(loop, acceptor);
    co_await take_of_proxy_itself(expecting, *proxy);
    const Result<Received> end = co_await stranger->receive();
    REQUIRE_FALSE(end);
    CHECK(end.error().code == Errc::reset);
    REQUIRE(expecting.refusals.size() == 1);
    CHECK(expecting.refusals[0].error.code == Errc::malformed);
    CHECK(expecting.refusals[0].proxy == stranger->local());
    CHECK(acceptor.refused() == 1);
    co_await stranger->close(Ending::orderly);
    co_await acceptor.close();  // Not a refusal of the silent one.
    CHECK(acceptor.refused() == 1);
    co_await silent->close(Ending::orderly);
}

TEMPLATE_TEST_CASE("proxy acceptor: one that says nothing, or something else, holds up nobody",
                   "[runtime][proxy]", OnSimulation, OnUring, OnEpoll) {
    TestType world(0);
    Loop loop(*world);
    block_on(loop, refuse(loop));
}

Task<Result<std::unique_ptr<Transport>>> accept_for(ProxyAcceptor& acceptor, Duration patience) {
    Result<std::unique_ptr<Transport>> taken = co_await with_timeout(patience, acceptor.accept());
    co_return taken;
}

Task<> keep_silent(Loop& loop, bool leave) {
    Expecting expecting(loop);
    const std::unique_ptr<Transport> proxy = co_await connect(loop, expecting.acceptor());
    co_await say(*proxy, header.substr(0, 30));
    if (leave) {
        const Result<void> left = co_await proxy->shut_down_sending();
        CHECK(left);
    }
    const Result<std::unique_ptr<Transport>> taken =
        co_await accept_for(expecting.acceptor(), seconds(10));
    CHECK_FALSE(taken);
    REQUIRE(expecting.refusals.size() == 1);
    CHECK(expecting.refusals[0].error.code == (leave ? Errc::end_of_stream : Errc::timed_out));
    co_await proxy->close(Ending::orderly);
    co_await expecting.acceptor().close();
}

TEST_CASE("proxy acceptor: half a header has its time, or its end", "[runtime][proxy]") {
    for (const bool leave : {false, true}) {
        CAPTURE(leave);
        simulation::run(
            {}, [&](const simulation::World& world) { return keep_silent(world.loop, leave); });
    }
}

// One that is silent, and behind it one that is not.
Task<> wait_for_room(Loop& loop, std::size_t headers_max) {
    Expecting expecting(loop, headers_max);
    const std::unique_ptr<Transport> silent = co_await connect(loop, expecting.acceptor());
    const std::unique_ptr<Transport> proxy = co_await connect(loop, expecting.acceptor());
    co_await say(*proxy, header);
    const Instant begun = loop.now();
    const Result<std::unique_ptr<Transport>> taken = co_await expecting.acceptor().accept();
    REQUIRE(taken);
    const bool was_at_once = loop.now() - begun < seconds(1);
    CHECK(was_at_once == (headers_max > 1));
    CHECK(expecting.refusals.size() == (headers_max > 1 ? 0 : 1));
    co_await (*taken)->close(Ending::orderly);
    co_await proxy->close(Ending::orderly);
    co_await silent->close(Ending::orderly);
    co_await expecting.acceptor().close();
}

TEST_CASE("proxy acceptor: reads only so many headers at a time, and the others wait",
          "[runtime][proxy]") {
    for (const std::size_t headers_max : {1U, 2U}) {
        CAPTURE(headers_max);
        simulation::run({}, [&](const simulation::World& world) {
            return wait_for_room(world.loop, headers_max);
        });
    }
}

// A proxy that says its header in two pieces, the second after `late`; and closes.
Task<bool> say_late(Transport& proxy, Duration late) {
    co_await say(proxy, header.substr(0, 20));
    const bool passed = co_await sleep_for(late);
    co_await say(proxy, header.substr(20));
    co_return passed;
}

Task<> stop_while_said(Loop& loop, std::size_t headers_max) {
    Expecting expecting(loop, headers_max);
    ProxyAcceptor& acceptor = expecting.acceptor();
    const std::unique_ptr<Transport> slow = co_await connect(loop, acceptor);
    const std::unique_ptr<Transport> slower = co_await connect(loop, acceptor);
    auto [first, second, taken] =
        co_await when_all(say_late(*slow, milliseconds(100)), say_late(*slower, milliseconds(200)),
                          accept_and_stop(loop, acceptor, milliseconds(50)));
    CHECK(taken.connections.size() == 2);
    CHECK(taken.end.code == Errc::cancelled);
    CHECK(taken.after_stop >= milliseconds(145));
    CHECK(taken.after_stop < milliseconds(160));  // And no longer than for those who are there.
    const std::unique_ptr<Transport> later = co_await connect(loop, acceptor);
    co_await say(*later, header);
    Taken again = co_await accept_and_stop(loop, acceptor, milliseconds(10));
    CHECK(again.connections.size() == 1);
    co_await close_all(taken);
    co_await close_all(again);
    co_await acceptor.close();
    CHECK(expecting.refusals.empty());
    for (Transport* const each : {slow.get(), slower.get(), later.get()}) {
        const Result<Received> end = co_await each->receive();
        CHECK((end && end->empty()));
        co_await each->close(Ending::orderly);
    }
}

TEST_CASE("proxy acceptor: a stop lets those who have come say their headers, one by one too",
          "[runtime][proxy]") {
    for (const std::size_t headers_max : {1024U, 1U}) {
        CAPTURE(headers_max);
        simulation::run({}, [&](const simulation::World& world) {
            return stop_while_said(world.loop, headers_max);
        });
    }
}

Task<> stop_while_silent(Loop& loop) {
    Expecting expecting(loop);
    ProxyAcceptor& acceptor = expecting.acceptor();
    const std::unique_ptr<Transport> silent = co_await connect(loop, acceptor);
    const Taken taken = co_await accept_and_stop(loop, acceptor, milliseconds(50));
    CHECK(taken.connections.empty());
    CHECK(taken.end.code == Errc::cancelled);
    CHECK(taken.after_stop >= seconds(1));
    CHECK(taken.after_stop < milliseconds(1010));
    const std::unique_ptr<Transport> later = co_await connect(loop, acceptor);
    auto [passed, again] = co_await when_all(say_late(*later, milliseconds(10)),
                                             accept_and_stop(loop, acceptor, milliseconds(50)));
    CHECK(passed);
    CHECK(again.connections.size() == 1);
    CHECK(again.after_stop >= seconds(1));  // The silent one has a second each time.
    co_await close_all(again);
    co_await acceptor.close();
    const Result<Received> end = co_await silent->receive();
    CHECK((!end && end.error().code == Errc::reset));
    co_await silent->close(Ending::orderly);
    co_await later->close(Ending::orderly);
}

TEST_CASE("proxy acceptor: a stop waits for a silent one only so long", "[runtime][proxy]") {
    simulation::run({},
                    [](const simulation::World& world) { return stop_while_silent(world.loop); });
}

}  // namespace
}  // namespace sluice::tests
