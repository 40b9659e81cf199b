#include "sluice/tls/transport.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/support/on_kernel.h"
#include "sluice/tests/support/stopped_accept.h"
#include "sluice/tests/tls/ends.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Connecting;
using tests::Ends;
using tests::House;
using tests::Input;
using tests::Serving;

// Octets that show where they are.
std::string numbered(std::size_t size) {
    std::string octets(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        octets[index] = static_cast<char>((index * 7 + index / 251) % 256);
    }
    return octets;
}

// Runs `scene` in a simulated world, in one where everything comes in pieces, and on the kernel.
template <typename Scene>
void everywhere(Scene scene) {
    simulation::run({}, [&](const simulation::World& world) { return scene(world.loop); });
    simulation::run(simulation::faulty(1),
                    [&](const simulation::World& world) { return scene(world.loop); });
    tests::Kernel kernel;
    kernel.run(scene(kernel.loop()));
}

Task<Result<std::uint64_t>> send_then_end(Transport& transport, std::string_view octets) {
    const Result<std::uint64_t> sent = co_await tests::send(transport, octets);
    if (sent) {
        std::ignore = co_await transport.shut_down_sending();
    }
    co_return sent;
}

// Both ends send `octets` at once, read the other's to the end, and close.
Task<> exchange(Loop& loop, std::size_t size) {
    Serving serving(loop);
    Connecting connecting(loop);
    Ends ends = co_await tests::connect(serving, connecting);
    const std::string octets = numbered(size);
    const auto [up, down, at_server, at_client] =
        co_await when_all(send_then_end(*ends.client, octets), send_then_end(*ends.server, octets),
                          tests::receive_all(*ends.server), tests::receive_all(*ends.client));
    CHECK(up == octets.size());
    CHECK(down == octets.size());
    CHECK(at_server.octets == octets);
    CHECK(at_client.octets == octets);
    CHECK(at_server.end);
    CHECK(at_client.end);
    CHECK(ends.client->peer_end() == PeerEnd::fin);
    CHECK(ends.server->peer_end() == PeerEnd::fin);
    const WireOctets client = ends.client->wire_octets().value();
    const WireOctets server = ends.server->wire_octets().value();
    CHECK(client.sent == server.received);
    CHECK(server.sent == client.received);
    CHECK(client.sent > octets.size());
    co_await ends.client->close(Ending::orderly);
    co_await ends.server->close(Ending::orderly);
    co_await serving.acceptor().close();
}

TEST_CASE("tls transport: carries every octet both ways at once, and ends by close_notify",
          "[tls][transport]") {
    everywhere([](Loop& loop) { return exchange(loop, 1); });
    everywhere([](Loop& loop) { return exchange(loop, 70'000); });
}

// What the client reads of a server that says `octets` and goodbye, behind the `handshake`.
Task<Input> read_from_server(Loop& loop, std::size_t octets, std::uint64_t& handshake) {
    Serving serving(loop);
    Connecting connecting(loop);
    ConnectTimes times;
    auto [client, server] =
        co_await when_all(connecting.connector().connect("127.0.0.1", serving.port(), times),
                          with_timeout(std::chrono::seconds(1), serving.acceptor().accept()));
    Input input;
    if (server) {
        const std::string said = numbered(octets);
        std::ignore = co_await tests::send(**server, said);
        co_await (*server)->close(Ending::orderly);
    }
    if (client) {
        handshake = (*client)->wire_octets()->received;
        input = co_await tests::receive_all(**client);
        co_await (*client)->close(Ending::orderly);
    } else {
        input.end = failed(client);
    }
    co_await serving.acceptor().close();
    co_return input;
}

Input read_from_cut_server(std::vector<simulation::Cut> cuts, std::uint64_t& handshake) {
    simulation::Options options;
    options.cuts = std::move(cuts);
    return simulation::run(options, [&](const simulation::World& world) {
        return read_from_server(world.loop, 100, handshake);
    });
}

TEST_CASE("tls transport: TCP's end is the end only behind a close_notify, wherever it comes",
          "[tls][transport]") {
    std::uint64_t whole = 0;
    std::uint64_t untold = 0;
    std::uint64_t handshake = 0;  // Whose octets are looked at elsewhere.
    CHECK(read_from_cut_server({}, handshake).end);
    for (std::uint64_t at = handshake; whole == 0; ++at) {
        CAPTURE(at);
        const Input input = read_from_cut_server(
            {{0, simulation::Direction::to_client, at, simulation::CutKind::fin}}, handshake);
        CHECK(numbered(100).starts_with(input.octets));
        if (input.end) {
            CHECK(input.octets.size() == 100);
            whole = at;
        } else {
            CHECK(input.end.error().code == Errc::cut_short);
            untold += input.octets.size() == 100 ? 1 : 0;
            CHECK((input.octets.empty() || input.octets.size() == 100));
        }
        REQUIRE(at < 10'000);
    }
    CHECK(untold > 0);  // Everything was there, but for the goodbye.
}

// How a connection went, of which one end had no memory for a send.
struct Starved {
    Result<void> client;
    Result<void> server;
    std::string received;
};

Task<Starved> starve(Loop& loop) {
    Serving serving(loop);
    Connecting connecting(loop);
    ConnectTimes times;
    auto [client, server] =
        co_await when_all(connecting.connector().connect("127.0.0.1", serving.port(), times),
                          with_timeout(std::chrono::seconds(1), serving.acceptor().accept()));
    Starved starved;
    starved.client = client ? Result<void>() : failed(client);
    starved.server = server ? Result<void>() : failed(server);
    if (client) {
        const Result<std::uint64_t> sent = co_await send_then_end(**client, "hello");
        starved.client = sent ? Result<void>() : failed(sent);
        if (!sent) {
            co_await (*client)->close(Ending::orderly);
        }
    }
    if (server) {
        const Input input = co_await tests::receive_all(**server);
        starved.server = input.end;
        starved.received = input.octets;
        co_await (*server)->close(Ending::orderly);
    }
    if (client && starved.client) {
        const Input input = co_await tests::receive_all(**client);
        starved.client = input.end;
        co_await (*client)->close(Ending::orderly);
    }
    co_await serving.acceptor().close();
    co_return starved;
}

TEST_CASE("tls handshake: what was not sent of it is not followed by what comes after it",
          "[tls][transport]") {
    using simulation::FaultKind;
    for (std::uint64_t number = 0; number < 8; ++number) {
        CAPTURE(number);
        const simulation::Options options{
            .script = {{{.kind = FaultKind::send_error, .number = number}}}};
        const Starved starved = simulation::run(
            options, [](const simulation::World& world) { return starve(world.loop); });
        CHECK((starved.received == "hello" || !starved.client || !starved.server));
        for (const Result<void>& each : {starved.client, starved.server}) {
            const Errc code = each ? Errc::cancelled : each.error().code;
            CHECK(code != Errc::malformed);
            CHECK(code != Errc::alert_sent);
            CHECK(code != Errc::alert_received);
        }
    }
}

// when_all() wants a result.
Task<bool> closing(Transport& transport) {
    co_await transport.close(Ending::orderly);
    co_return true;
}

// A send that is stopped in the midst of a record, and all that the other end can ever read of it.
Task<> stop_within_record(Loop& loop) {
    Serving serving(loop);
    Connecting connecting(loop);
    Ends ends = co_await tests::connect(serving, connecting);
    const std::string octets = numbered(8'000'000);
    const Result<std::uint64_t> sent =
        co_await with_timeout(std::chrono::seconds(1), tests::send(*ends.server, octets));
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::timed_out);
    CHECK(sent.error().octets_done == ends.server->wire_octets()->plaintext_sent);
    const Result<std::uint64_t> more = co_await tests::send(*ends.server, "x");
    CHECK_FALSE(more);
    auto [closed, input] =
        co_await when_all(closing(*ends.server), tests::receive_all(*ends.client));
    CHECK(closed);
    CHECK(input.octets.size() == sent.error().octets_done);
    CHECK(octets.starts_with(input.octets));
    REQUIRE_FALSE(input.end);
    CHECK(input.end.error().code == Errc::cut_short);
    co_await ends.client->close(Ending::orderly);
    co_await serving.acceptor().close();
}

TEST_CASE("tls transport: a send that is stopped tells of whole records, and is the last",
          "[tls][transport]") {
    simulation::run({},
                    [](const simulation::World& world) { return stop_within_record(world.loop); });
}

Task<> look_at_facts(Loop& loop) {
    Serving serving(loop);
    Connecting connecting(loop);
    // More than the tickets of one handshake are good for, as each is used once.
    for (const bool is_first : {true, false, false, false, false}) {
        Ends ends = co_await tests::connect(serving, connecting);
        std::ignore = co_await tests::send(*ends.server, "x");
        const Input input = co_await tests::receive_all(*ends.client, 1);
        CHECK(input.octets == "x");
        const SecurityFacts& client = *ends.client->security();
        const SecurityFacts& server = *ends.server->security();
        CHECK(client.version == TlsVersion::tls_1_3);
        CHECK(client.suite == "TLS_AES_256_GCM_SHA384");
        CHECK(client.protocol == "http/1.1");
        CHECK(client.is_resumed != is_first);
        CHECK(server.is_resumed != is_first);
        REQUIRE(client.peer);
        CHECK(client.peer->subject == "CN=server");
        CHECK(client.peer->is_verified);
        CHECK(client.peer->names == std::vector<std::string>{"DNS:server.example", "IP:127.0.0.1"});
        CHECK_FALSE(server.peer);
        co_await ends.client->close(Ending::orderly);
        co_await ends.server->close(Ending::orderly);
    }
    co_await serving.acceptor().close();
}

TEST_CASE("tls transport: tells what was agreed on, and all connections but the first resume",
          "[tls][transport]") {
    everywhere([](Loop& loop) { return look_at_facts(loop); });
}

Task<std::uint64_t> send_one(Transport& server) {
    const std::uint64_t before = server.wire_octets()->sent;
    const Result<std::uint64_t> sent = co_await tests::send(server, "x");
    CHECK(sent == 1);
    co_return server.wire_octets()->sent - before;
}

Task<> keep_tickets_for_the_first_answer(Loop& loop) {
    constexpr std::uint64_t one_octet = 5 + 1 + 1 + 16;  // RFC 8446 5.2: as a record.
    Serving serving(loop);
    Connecting connecting(loop);
    Ends ends = co_await tests::connect(serving, connecting);
    const std::uint64_t of_handshake = ends.server->wire_octets()->sent;
    const Result<std::uint64_t> request = co_await tests::send(*ends.client, "x");
    CHECK(request == 1);
    const Input asked = co_await tests::receive_all(*ends.server, 1);
    CHECK(asked.octets == "x");
    CHECK(ends.server->wire_octets()->sent == of_handshake);
    const std::uint64_t first = co_await send_one(*ends.server);
    CHECK(first > one_octet + 100);
    const std::uint64_t second = co_await send_one(*ends.server);
    CHECK(second == one_octet);
    co_await ends.client->close(Ending::orderly);
    co_await ends.server->close(Ending::orderly);
    co_await serving.acceptor().close();
}

TEST_CASE("tls transport: a server's tickets go with the first that it says, and not before",
          "[tls][transport]") {
    everywhere([](Loop& loop) { return keep_tickets_for_the_first_answer(loop); });
}

// Says nothing on a connection for a while.
class Late final : public Connector {
public:
    Late(Loop& loop, Duration late) : tcp_(loop), late_(late) {}
    Task<tests::Connected> connect(std::string_view host, std::uint16_t port,
                                   ConnectTimes& times) override {
        tests::Connected connected = co_await tcp_.connect(host, port, times);
        std::ignore = co_await sleep_for(late_);
        co_return connected;
    }

private:
    TcpConnector tcp_;
    Duration late_;
};

Task<> stop_while_shaking_hands(Loop& loop) {
    Serving serving(loop);
    Late late(loop, std::chrono::milliseconds(100));
    tls::TlsConnector connector(loop, late, House::instance().client_context);
    ConnectTimes times;
    auto [client, taken] = co_await when_all(
        connector.connect("127.0.0.1", serving.port(), times),
        tests::accept_and_stop(loop, serving.acceptor(), std::chrono::milliseconds(50)));
    REQUIRE(client);
    CHECK(taken.end.code == Errc::cancelled);
    CHECK(taken.after_stop < std::chrono::milliseconds(100));
    REQUIRE(taken.connections.size() == 1);
    std::ignore = co_await tests::send(*taken.connections.front(), "x");
    const tests::Input input = co_await tests::receive_all(**client, 1);
    CHECK(input.octets == "x");
    co_await tests::close_all(taken);
    co_await (*client)->close(Ending::orderly);
    co_await serving.acceptor().close();
}

TEST_CASE("tls acceptor: a stop lets those who have come shake hands", "[tls][acceptor]") {
    simulation::run(
        {}, [](const simulation::World& world) { return stop_while_shaking_hands(world.loop); });
}

}  // namespace
}  // namespace sluice
