// TLS of which the kernel seals what is sent: a simulated one, by the keys that it was handed. What
// opens it is OpenSSL, at the other end.

#include "sluice/runtime/combine.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/tls/ends.h"
#include "sluice/tests/tls/kernel_sealer.h"
#include "sluice/tests/tls/openssl_habits.h"
#include "sluice/tls/transport.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using simulation::World;
using std::chrono::milliseconds;
using tests::Connecting;
using tests::Ends;
using tests::House;
using tests::Input;
using tests::Serving;

std::string pattern(std::size_t size) {
    std::string octets(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        octets[index] = static_cast<char>((index * 7 + index / 251) % 256);
    }
    return octets;
}

// What the kernels were asked to seal, by keys.
struct Sealed {
    std::map<std::string, std::vector<std::uint64_t>> records;
    std::uint64_t alerts = 0;
    std::uint64_t plaintext = 0;  // Of the application.

    [[nodiscard]] simulation::Sealer sealer() {
        return
            [this](const SealingKeys& keys, std::uint8_t type, std::span<const std::byte> octets) {
                // Of the key, most; and no counter.
                const auto* const info = reinterpret_cast<const char*>(keys.crypto_info().data());
                const std::size_t size = keys.crypto_info().size();
                records[std::string(info + 16, info + size - 8)].push_back(keys.next_record());
                alerts += type == RecordType::alert ? 1 : 0;
                plaintext += type == RecordType::application ? octets.size() : 0;
                return tests::seal_as_kernel(keys, type, octets);
            };
    }
};

struct Suite {
    TlsVersion version;
    const char* name;
};

constexpr std::array suites = {
    Suite{TlsVersion::tls_1_3, "TLS_AES_128_GCM_SHA256"},
    Suite{TlsVersion::tls_1_3, "TLS_AES_256_GCM_SHA384"},
    Suite{TlsVersion::tls_1_3, "TLS_CHACHA20_POLY1305_SHA256"},
    Suite{TlsVersion::tls_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"},
    Suite{TlsVersion::tls_1_2, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"},
    Suite{TlsVersion::tls_1_2, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"},
};

struct Contexts {
    tls::ServerContext server =
        tls::ServerContext::create(House::instance().server_options()).value();
    tls::ClientContext client =
        tls::ClientContext::create(House::instance().client_options()).value();

    Contexts() = default;
    explicit Contexts(const Suite& suite) {
        if (suite.version == TlsVersion::tls_1_2) {
            tests::speak_tls_1_2(client);
            REQUIRE(SSL_CTX_set_cipher_list(client.native(), suite.name) == 1);
        } else {
            REQUIRE(SSL_CTX_set_ciphersuites(client.native(), suite.name) == 1);
        }
    }
};

Task<Result<std::uint64_t>> say_and_end(Transport& transport, std::string_view octets) {
    const Result<std::uint64_t> sent = co_await tests::send(transport, octets);
    if (sent) {
        const Result<void> ended = co_await transport.shut_down_sending();
        CHECK(ended);
    }
    co_return sent;
}

// Both say `octets` at once and then goodbye, on one connection after another.
Task<> converse(Loop& loop, const Contexts& contexts, std::size_t size) {
    Serving serving(loop, contexts.server);
    Connecting connecting(loop, contexts.client);
    for (const bool is_first : {true, false}) {
        Ends ends = co_await tests::connect(serving, connecting);
        const std::string octets = pattern(size);
        const auto [up, down, at_server, at_client] =
            co_await when_all(say_and_end(*ends.client, octets), say_and_end(*ends.server, octets),
                              tests::receive_all(*ends.server), tests::receive_all(*ends.client));
        CHECK(up == size);
        CHECK(down == size);
        CHECK(at_server.octets == octets);
        CHECK(at_client.octets == octets);
        CHECK(at_server.end);
        CHECK(at_client.end);
        CHECK(ends.client->security()->is_resumed != is_first);
        std::ignore = ends.client->state();
        std::ignore = ends.server->state();
        CHECK(ends.client->wire_octets()->sent == ends.server->wire_octets()->received);
        CHECK(ends.server->wire_octets()->sent == ends.client->wire_octets()->received);
        co_await ends.client->close(Ending::orderly);
        co_await ends.server->close(Ending::orderly);
    }
    co_await serving.acceptor().close();
}

TEST_CASE("kernel tls: what the kernel seals, with its count and its alerts, the other end opens",
          "[tls][kernel]") {
    for (const Suite& suite : suites) {
        CAPTURE(suite.name);
        for (const bool is_faulty : {false, true}) {
            Sealed sealed;
            simulation::Options options = is_faulty ? simulation::faulty(7) : simulation::Options{};
            options.sealer = sealed.sealer();
            const Contexts contexts(suite);
            simulation::run(options, [&](const World& world) {
                return converse(world.loop, contexts, 170'000);
            });
            // Two connections, both directions; a goodbye each.
            CHECK(sealed.records.size() == 4);
            CHECK(sealed.alerts == 4);
            std::set<std::uint64_t> firsts;
            for (const auto& [keys, numbers] : sealed.records) {
                firsts.insert(numbers.front());
                CHECK(numbers.back() - numbers.front() + 1 == numbers.size());
            }
            // Behind what OpenSSL had sealed, which is each side's Finished in TLS 1.2.
            const bool is_old = suite.version == TlsVersion::tls_1_2;
            CHECK(firsts.contains(is_old ? 1 : 0));
            CHECK(firsts.size() == (is_old ? 1 : 3));  // Two tickets, or one.
        }
    }
}

TEST_CASE("kernel tls: who does not want it has no kernel seal", "[tls][kernel]") {
    Sealed sealed;
    Contexts contexts;
    tls::ServerOptions server = House::instance().server_options();
    server.kernel_tls = false;
    contexts.server = tls::ServerContext::create(server).value();
    simulation::run({.sealer = sealed.sealer()},
                    [&](const World& world) { return converse(world.loop, contexts, 10); });
    CHECK(sealed.records.size() == 2);  // The client's.
}

// Tickets go with the first octets of a server; when they are acknowledged, they leave all room to
// what comes.
Task<> greet(Ends& ends) {
    std::ignore = co_await tests::send(*ends.server, "x");
    const Input input = co_await tests::receive_all(*ends.client, 1);
    CHECK(input.octets == "x");
    const bool passed = co_await sleep_for(milliseconds(1));
    REQUIRE(passed);
}

// A server that says so much, and ends at once.
Task<Input> end_at_once(Loop& loop, std::size_t size) {
    Serving serving(loop);
    Connecting connecting(loop);
    Ends ends = co_await tests::connect(serving, connecting);
    co_await greet(ends);
    const std::string octets = pattern(size);
    auto [sent, input] =
        co_await when_all(say_and_end(*ends.server, octets), tests::receive_all(*ends.client));
    CHECK(sent == size);
    CHECK(input.octets == octets);
    co_await ends.client->close(Ending::orderly);
    co_await ends.server->close(Ending::orderly);
    co_await serving.acceptor().close();
    co_return input;
}

TEST_CASE("kernel tls: a FIN comes behind what the kernel held back", "[tls][kernel]") {
    Sealed sealed;
    // Behind the record there is room for so much of the goodbye's, which is of 24 octets.
    for (const std::size_t room : {0U, 1U, 23U, 24U, 1000U}) {
        CAPTURE(room);
        const simulation::Options options{.network = {.send_buffer_octets = 16'384 + 22 + room},
                                          .sealer = sealed.sealer()};
        const Input input = simulation::run(
            options, [](const World& world) { return end_at_once(world.loop, 16'384); });
        CHECK(input.end);
    }
}

// Waits until everything is said to be acknowledged, while nobody reads; and then reads what there
// is, without waiting.
Task<> acknowledge(const World& world, std::size_t size) {
    Serving serving(world.loop);
    Connecting connecting(world.loop);
    Ends ends = co_await tests::connect(serving, connecting);
    co_await greet(ends);
    const std::string octets = pattern(size);
    const Result<std::uint64_t> sent = co_await tests::send(*ends.server, octets);
    CHECK(sent == size);
    SocketState state = ends.server->state();
    CHECK(state.unacknowledged > 0);
    while (state.unacknowledged > 0) {
        CHECK(state.acknowledged + state.unacknowledged == size + 1);
        const bool passed = co_await sleep_for(milliseconds(1));
        REQUIRE(passed);
        state = ends.server->state();
    }
    CHECK(state.acknowledged == size + 1);
    std::uint64_t read = 0;
    std::optional<Result<Received>> piece = ends.client->try_receive();
    while (read < size && piece.has_value()) {
        REQUIRE(*piece);
        read += (*piece)->size();
        piece = ends.client->try_receive();
    }
    CHECK(read == size);
    co_await ends.client->close(Ending::reset);
    co_await ends.server->close(Ending::reset);
    co_await serving.acceptor().close();
}

TEST_CASE("kernel tls: what the kernel holds back is not acknowledged", "[tls][kernel]") {
    Sealed sealed;
    const simulation::Options options{.network = {.send_buffer_octets = 17'000},
                                      .sealer = sealed.sealer()};
    simulation::run(options, [](const World& world) { return acknowledge(world, 32'768); });
}

// A send that is stopped, and all that the other end can ever read of it.
Task<> stop_sending(Loop& loop, const Sealed& sealed) {
    Serving serving(loop);
    Connecting connecting(loop);
    Ends ends = co_await tests::connect(serving, connecting);
    co_await greet(ends);
    const std::string octets = pattern(8'000'000);
    const Result<std::uint64_t> sent =
        co_await with_timeout(std::chrono::seconds(1), tests::send(*ends.server, octets));
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::timed_out);
    CHECK(sent.error().octets_done == sealed.plaintext);
    CHECK(sent.error().octets_done + 1 == ends.server->wire_octets()->plaintext_sent);
    CHECK(ends.server->state().acknowledged < sent.error().octets_done);
    const Result<std::uint64_t> more = co_await tests::send(*ends.server, "x");
    CHECK_FALSE(more);
    co_await ends.server->close(Ending::reset);
    const Input input = co_await tests::receive_all(*ends.client);
    CHECK(input.octets.size() <= sent.error().octets_done);
    CHECK(octets.starts_with(input.octets));
    REQUIRE_FALSE(input.end);
    CHECK(input.end.error().code == Errc::reset);
    co_await ends.client->close(Ending::orderly);
    co_await serving.acceptor().close();
}

TEST_CASE("kernel tls: a send that is stopped tells of what the kernel accepted, and is the last",
          "[tls][kernel]") {
    Sealed sealed;
    simulation::run({.sealer = sealed.sealer()},
                    [&](const World& world) { return stop_sending(world.loop, sealed); });
}

}  // namespace
}  // namespace sluice
