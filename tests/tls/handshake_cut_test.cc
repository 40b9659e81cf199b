// Of handshakes that are cut, at every octet, in either direction.

#include "sluice/runtime/combine.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/tls/ends.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using simulation::Cut;
using simulation::CutKind;
using simulation::Direction;
using tests::Connected;
using tests::Connecting;
using tests::Serving;

// The contexts of both ends, of which one speaks no newer version.
struct Speaking {
    explicit Speaking(int version_max) {
        SSL_CTX_set_max_proto_version(server.native().get(), version_max);
    }

    // Of ed25519: then every handshake has the same octets in number.
    tests::Authority authority{"root", tests::Keys::ed25519};
    tests::Certified certified = authority.certify({}, "server");
    tls::ServerContext server = tls::ServerContext::create({.identity = certified.files}).value();
    tls::ClientContext client =
        tls::ClientContext::create({.trust_file = authority.root_file()}).value();
};

struct Told final : tls::HandshakeObserver {
    void handshake_failed(const tls::HandshakeFailure& failure) noexcept override {
        errors.push_back(failure.error);
    }
    std::vector<Error> errors;
};

// What either end has of a handshake.
struct End {
    Error error;  // None: it is secure.
    std::vector<Error> told;
    WireOctets wire;  // By then.
};

struct Shaken {
    End client;
    End server;
    std::uint64_t failures = 0;
    std::size_t handshakes_left = 0;
    Result<void> input;  // What a client that is secure hears after it of a server that is not.
};

void look_at(const Connected& connected, const Told& told, End& end) {
    if (connected) {
        end.wire = (*connected)->wire_octets().value();
    } else {
        end.error = told.errors.empty() ? connected.error() : told.errors.front();
    }
    end.told = told.errors;
}

Task<Shaken> shake_hands(Loop& loop, const Speaking& speaking) {
    Serving serving(loop, speaking.server);
    Connecting connecting(loop, speaking.client);
    Told at_server;
    Told at_client;
    serving.acceptor().observe(&at_server);
    connecting.connector().observe(&at_client);
    ConnectTimes times;
    auto [client, server] =
        co_await when_all(connecting.connector().connect("127.0.0.1", serving.port(), times),
                          with_timeout(std::chrono::seconds(1), serving.acceptor().accept()));
    Shaken shaken;
    look_at(client, at_client, shaken.client);
    look_at(server, at_server, shaken.server);
    CHECK((client || client.error() == shaken.client.error));
    shaken.failures = serving.acceptor().failures();
    shaken.handshakes_left = serving.acceptor().handshakes();
    if (client) {
        if (!server) {
            const tests::Input input = co_await tests::receive_all(**client);
            shaken.input = input.end;
        }
        co_await (*client)->close(Ending::orderly);
    }
    if (server) {
        co_await (*server)->close(Ending::orderly);
    }
    co_await serving.acceptor().close();
    co_return shaken;
}

Shaken shaken_hands(const Speaking& speaking, std::vector<Cut> cuts) {
    simulation::Options options;
    options.cuts = std::move(cuts);
    return simulation::run(
        options, [&](const simulation::World& world) { return shake_hands(world.loop, speaking); });
}

void check_cut(const Speaking& speaking, const Cut& cut) {
    const Shaken shaken = shaken_hands(speaking, {cut});
    CAPTURE(cut.direction, cut.after_octets, cut.kind, describe(shaken.client.error),
            describe(shaken.server.error));
    const bool is_deaf_client = cut.direction == Direction::to_client;
    const End& deaf = is_deaf_client ? shaken.client : shaken.server;
    const End& other = is_deaf_client ? shaken.server : shaken.client;
    CHECK(deaf.error.code == (cut.kind == CutKind::fin ? Errc::cut_short : Errc::reset));
    CHECK(deaf.error.phase == Phase::secure);
    CHECK(deaf.told == std::vector<Error>{deaf.error});
    // The other one heard of that, unless with its last words it was done.
    const bool is_done = other.error.code == Errc::none;
    const bool has_heard = other.error.code == Errc::cut_short || other.error.code == Errc::reset;
    CHECK((is_done || (has_heard && other.error.phase == Phase::secure)));
    CHECK(other.told.size() == (is_done ? 0 : 1));
    CHECK(shaken.failures == shaken.server.told.size());
    CHECK(shaken.handshakes_left == 0);
    const bool is_client_alone = is_done && !is_deaf_client;
    CHECK(shaken.input.has_value() != is_client_alone);
}

TEST_CASE("tls handshake: cut at any octet, it ends in an error that says so, and leaves nothing",
          "[tls][handshake]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const Speaking speaking(version);
        const Shaken whole = shaken_hands(speaking, {});
        REQUIRE(whole.client.error.code == Errc::none);
        REQUIRE(whole.server.error.code == Errc::none);
        CHECK(whole.client.wire.received > 500);
        for (const CutKind kind : {CutKind::fin, CutKind::reset}) {
            // A reset is no truncation, but for the error's name: here and there will do.
            const std::uint64_t step = kind == CutKind::fin ? 1 : 29;
            for (std::uint64_t at = 0; at < whole.server.wire.received; at += step) {
                check_cut(speaking, {0, Direction::to_server, at, kind});
            }
            for (std::uint64_t at = 0; at < whole.client.wire.received; at += step) {
                check_cut(speaking, {0, Direction::to_client, at, kind});
            }
        }
    }
}

}  // namespace
}  // namespace sluice
