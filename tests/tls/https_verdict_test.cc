// Over TLS, too, a verdict says no more than its evidence: S9 to S14 of a server, C2, C11 and C12
// of a client, and what either end says where the connection is cut at any octet.

#include "sluice/http/client.h"
#include "sluice/http/exchange.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/http/server_harness.h"
#include "sluice/tests/tls/ends.h"
#include "sluice/tests/tls/kernel_sealer.h"
#include "sluice/tls/https.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::DeliveryLevel;
using http::Mechanism;
using http::Outcome;
using http::Request;
using http::Responder;
using http::Status;
using http::TlsEvent;
using http::Verdict;
using simulation::CutKind;
using simulation::Direction;
using std::chrono::hours;
using std::chrono::seconds;

Layers secured() {
    House& house = House::instance();
    return {
        [&](Loop& loop, Acceptor& beneath) {
            return std::make_unique<tls::TlsAcceptor>(loop, beneath, house.server_context);
        },
        [&](Loop& loop, Connector& beneath) {
            return std::make_unique<tls::TlsConnector>(loop, beneath, house.client_context);
        },
    };
}

Played play_secured(Scene scene) {
    scene.layers = secured();
    return play(scene);
}

// A response through the sink; yields why its content could not be written.
Task<> stream(const std::string& content, std::optional<Error>& error, Request&,
              Responder& responder) {
    ByteSink& sink = responder.start(Status::ok, content.size());
    const Result<void> written = co_await sink.write(std::as_bytes(std::span(content)));
    if (!written) {
        error = written.error();
        co_return;
    }
    const Result<void> finished = co_await sink.finish();
    CHECK(finished);
}

Task<> say_much(const std::string& content, Request&, Responder& responder) {
    responder.respond(Status::ok, content);
    co_return;
}

Task<> finish(std::optional<Outcome>& outcome, const std::string& content, Request&,
              Responder& responder) {
    responder.respond(Status::ok, content);
    outcome = co_await responder.finish(DeliveryLevel::acknowledged);
}

// Whether the simulated kernels seal.
simulation::Sealer sealer_if(bool kernel_seals) {
    return kernel_seals ? simulation::Sealer(seal_as_kernel) : nullptr;
}

void tell_of_whole_records(bool kernel_seals) {
    CAPTURE(kernel_seals);
    const std::string content(2'000'000, 'x');
    std::optional<Error> error;
    const Played played = play_secured({
        .handler = [&](Request& request,
                       Responder& responder) { return stream(content, error, request, responder); },
        .clients = {{Send{get()}, ReceiveRest{}}},
        .world = {.cuts = {{.direction = Direction::to_client,
                            .after_octets = 100'000,
                            .kind = CutKind::reset}},
                  .sealer = sealer_if(kernel_seals)},
        .is_lossless = false,
    });
    CHECK(played.ids() == "S9");
    const Outcome& outcome = played.outcome();
    CHECK(played.clients.front().octets.size() < 100'000);
    CHECK(played.clients.front().octets.size() > 80'000);
    CHECK(outcome.send.wire_accepted() >= played.clients.front().octets.size());
    CHECK(outcome.send.body_accepted < content.size());
    CHECK(outcome.send.phase == http::SendPhase::body_partial);
    CHECK(outcome.cause.mechanism == Mechanism::reset);
    REQUIRE(error);
    CHECK(error->octets_done == outcome.send.body_accepted);
    CHECK(outcome.connection.tls == TlsVersion::tls_1_3);
}

TEST_CASE("S9 over TLS: tells of whole records that the kernel accepted, and no more",
          "[tls][http][outcome]") {
    tell_of_whole_records(false);
    tell_of_whole_records(true);
}

TEST_CASE("S10 over TLS: a client that takes nothing any more is given up on",
          "[tls][http][outcome]") {
    const std::string content(2'000'000, 'x');
    std::optional<Error> error;
    const Played played = play_secured({
        .handler = [&](Request& request,
                       Responder& responder) { return stream(content, error, request, responder); },
        .clients = {{Send{get()}, Wait{hours(1)}}},
        .options = {.stall_max = seconds(20)},
    });
    CHECK(played.ids() == "S10");
    REQUIRE(error);
    CHECK(error->code == Errc::timed_out);
    CHECK(played.outcome().send.body_accepted < content.size());
}

TEST_CASE("S11 and S12 over TLS: acknowledged is what the client's TCP has whole records of",
          "[tls][http][outcome]") {
    const Played sent = play_secured({
        .handler = say_hello,
        .clients = {{Send{get()}, Receive{1}, Send{get()}, ReceiveRest{}}},
    });
    CHECK(sent.ids() == "S11 S11");
    for (const auto& [reads, kernel_seals] : std::array<std::pair<bool, bool>, 4>{
             {{true, false}, {false, false}, {true, true}, {false, true}}}) {
        CAPTURE(reads, kernel_seals);
        const std::string much(300'000, 'x');
        std::optional<Outcome> outcome;
        const Step step = reads ? Step(ReceiveSlowly{seconds(1)}) : Step(Wait{hours(1)});
        const Played played = play_secured({
            .handler =
                [&](Request& request, Responder& responder) {
                    return finish(outcome, much, request, responder);
                },
            .clients = {{Send{get("/", "Connection: close\r\n")}, step}},
            .options = {.stall_max = seconds(20)},
            .world = {.buffer_octets = 2048, .sealer = sealer_if(kernel_seals)},
        });
        REQUIRE(outcome);
        CHECK(verdict_of(*outcome) == (reads ? Verdict::acknowledged : Verdict::sent));
    }
}

TEST_CASE("S14 over TLS: a reset after everything was acknowledged is told as both",
          "[tls][http][outcome]") {
    const Played played = play_secured({
        .handler = say_hello,
        .clients = {{Send{get("/", "Connection: close\r\n")}, ReceiveUntil{"hello"},
                     Wait{seconds(1)}, Reset{}}},
    });
    CHECK(played.ids() == "S14");
}

TEST_CASE("S14 over TLS: of what was acknowledged in part, only whole records count",
          "[tls][http][outcome]") {
    const std::string much(400'000, 'x');
    const Played played = play_secured({
        .handler = [&](Request& request,
                       Responder& responder) { return say_much(much, request, responder); },
        .clients = {{Send{get("/", "Connection: close\r\n")}, Wait{seconds(1)}, Reset{}}},
    });
    CHECK(played.ids() == "S11");
    // What the client's kernel took, and its transport, which nobody read from.
    constexpr std::uint64_t acknowledged = (128 + 16 * 16) * 1024;
    REQUIRE(played.outcome().send.acknowledged);
    CHECK(*played.outcome().send.acknowledged < acknowledged - played.outcome().send.tls_added);
    CHECK(*played.outcome().send.acknowledged > acknowledged - 2 * 16 * 1024);
}

Task<> answer_late(Request&, Responder& responder) {
    const bool passed = co_await sleep_for(seconds(10));
    if (passed) {
        responder.respond(Status::ok, "hello\n");
    }
}

TEST_CASE("S5 over TLS: a client that says goodbye while the handler runs has not been cut",
          "[tls][http][outcome]") {
    for (const bool says_goodbye : {true, false}) {
        CAPTURE(says_goodbye);
        Scene scene{
            .handler = answer_late,
            .clients = {{Send{get()}, Wait{seconds(1)}, HalfClose{}, Wait{seconds(20)}}},
            .options = {.fin_is_gone = true},
            .is_lossless = false,
        };
        if (!says_goodbye) {
            // Of what the client says, its goodbye alone is lost.
            const Played whole = play_secured(scene);
            const Outcome& outcome = whole.outcome();
            const std::uint64_t said = outcome.receive.head + outcome.receive.tls_added;
            scene.clients = {{Send{get()}, Wait{seconds(20)}}};
            scene.world.cuts = {{.direction = Direction::to_server,
                                 .after_octets = said - 24,
                                 .kind = CutKind::fin}};
        }
        const Played played = play_secured(scene);
        CHECK(played.ids() == "S5");
        const Outcome& outcome = played.outcome();
        CHECK(outcome.cause.mechanism == (says_goodbye ? Mechanism::fin : Mechanism::tls));
        CHECK((outcome.cause.tls == TlsEvent::cut_short) == !says_goodbye);
        CHECK(outcome.receive.end == (says_goodbye ? http::StreamEnd::fin : http::StreamEnd::cut));
    }
}

// An upload, and the answer to the end, where the client's side is cut after so many octets.
Played upload_cut(std::uint64_t after_octets, CutKind kind) {
    return play_secured({
        .handler = count_octets,
        .clients = {{Send{put(std::string(1500, 'x'), "Connection: close\r\n")}, ReceiveRest{}}},
        .world = {.cuts = {{.direction = Direction::to_server,
                            .after_octets = after_octets,
                            .kind = kind}}},
        .is_lossless = false,
    });
}

TEST_CASE("a server over TLS: wherever the client is cut, its upload is whole or truncated",
          "[tls][http][outcome]") {
    for (const CutKind kind : {CutKind::fin, CutKind::reset}) {
        std::string seen;  // Each verdict when it first comes.
        std::uint64_t whole = 0;
        // The ends of the records and the client's goodbye octet by octet, the rest here and there.
        for (std::uint64_t at = 0; whole == 0 && at < 4'000; at += at < 1'900 ? 23 : 1) {
            CAPTURE(at);
            const Played played = upload_cut(at, kind);
            REQUIRE(played.outcomes.size() <= 1);
            if (played.outcomes.empty()) {
                continue;  // No handshake, no exchange.
            }
            const std::string id = played.ids();
            seen += seen.ends_with(id) ? "" : " " + id;
            whole = id == "S13" ? at : 0;
            const Outcome& outcome = played.outcome();
            const bool came = outcome.receive.body == 1500;
            CHECK(came == (outcome.receive.phase == http::ReceivePhase::complete));
            CHECK(outcome.receive.body <= played.clients.front().sent);
            CHECK((outcome.status == Status::ok) == (came && id != "S9"));
            if (kind == CutKind::fin) {
                CHECK((outcome.cause.tls == TlsEvent::cut_short) == (id == "S0" || id == "S4"));
            } else {
                CHECK(outcome.cause.tls == TlsEvent::none);
            }
        }
        // S13 is worth a close_notify, behind which no cut was left to come.
        CHECK(seen == (kind == CutKind::fin ? " S0 S4 S11 S12 S13" : " S0 S4 S9 S14 S13"));
    }
}

// What a client makes of a server that says `octets`, and ends.
Task<> speak(Serving& serving, std::string_view octets) {
    Connected accepted = co_await serving.acceptor().accept();
    if (!accepted) {
        co_return;
    }
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        const Result<Received> piece = co_await (*accepted)->receive();
        if (!piece || piece->empty()) {
            break;
        }
        head.append(reinterpret_cast<const char*>(piece->octets().data()), piece->size());
    }
    std::ignore = co_await send(**accepted, octets);
    co_await (*accepted)->close(Ending::orderly);
}

Task<Outcome> ask(Loop& loop, std::string_view octets) {
    Serving serving(loop);
    http::Client client(loop, {.https = tls::https(House::instance().client_context)});
    const Context context = co_await this_task();
    Scope scope(context);
    scope.spawn(speak(serving, octets));
    const std::string url = "https://127.0.0.1:" + std::to_string(serving.port()) + "/";
    http::Exchange exchange = client.begin(http::get(url));
    const Outcome outcome = co_await exchange.outcome();
    co_await client.close();
    scope.request_stop();
    co_await scope.join();
    co_await serving.acceptor().close();
    co_return outcome;
}

Outcome told_of(std::string_view octets, std::uint64_t after_octets, CutKind kind,
                bool kernel_seals = false) {
    simulation::Options options{.sealer = sealer_if(kernel_seals)};
    options.cuts = {{0, Direction::to_client, after_octets, kind}};
    return simulation::run(options,
                           [&](const simulation::World& world) { return ask(world.loop, octets); });
}

TEST_CASE("a client over TLS: what ends by its server's end is unverified, and cut it is truncated",
          "[tls][http][outcome]") {
    const std::string_view said = "HTTP/1.1 200 OK\r\n\r\nhello";
    for (const CutKind kind : {CutKind::fin, CutKind::reset}) {
        std::string seen;
        bool whole = false;
        // The handshake's octets are looked at one by one elsewhere.
        for (std::uint64_t at = 0; !whole && at < 6'000; at += at < 1'200 ? 50 : 1) {
            CAPTURE(at);
            const Outcome outcome = told_of(said, at, kind);
            const std::string id(http::id(verdict_of(outcome)));
            // A signature's length is up to chance, and a cut's place in the stream with it: near a
            // border one id may come again.
            if (!seen.ends_with(id) && seen.find(id + " ") == std::string::npos) {
                seen += " " + id;
            }
            whole = id == "C12";
            CHECK((outcome.receive.body == 5 || outcome.receive.body == 0));
            if (id == "C2") {
                CHECK(outcome.cause.phase == http::ExchangePhase::tls);
            }
            if (kind == CutKind::fin && !whole) {
                CHECK(outcome.cause.tls == TlsEvent::cut_short);
            }
        }
        CHECK(seen == " C2 C5 C11 C12");
    }
}

TEST_CASE("a client over TLS that the kernel seals: without a goodbye, all there was is truncated",
          "[tls][http][outcome]") {
    // More than OpenSSL seals, with the tickets.
    const std::string content(170'000, 'x');
    const std::string said = "HTTP/1.1 200 OK\r\n\r\n" + content;
    const Outcome whole = told_of(said, 1'000'000, CutKind::fin, true);
    CHECK(http::id(verdict_of(whole)) == "C12");
    // Within the goodbye, whatever the length of the signature.
    const std::uint64_t octets = said.size() + whole.receive.tls_added;
    const Outcome cut = told_of(said, octets - 12, CutKind::fin, true);
    CHECK(http::id(verdict_of(cut)) == "C11");
    CHECK(cut.receive.body == content.size());
    CHECK(cut.cause.tls == TlsEvent::cut_short);
}

Task<> write_much(http::Exchange& exchange) {
    const std::string content(2'000'000, 'x');
    const Result<void> written = co_await exchange.body().write(std::as_bytes(std::span(content)));
    CHECK_FALSE(written);
}

// Of an upload to a server that reads `octets` of it and lets a while pass before it resets.
Task<Outcome> be_interrupted(Loop& loop, std::uint64_t octets) {
    Serving serving(loop);
    http::Client client(loop, {.https = tls::https(House::instance().client_context)});
    const std::string url = "https://127.0.0.1:" + std::to_string(serving.port()) + "/";
    http::Exchange exchange = client.begin(http::put(url).length(2'000'000));
    const Context context = co_await this_task();
    Scope scope(context);
    scope.spawn(write_much(exchange));
    Connected accepted = co_await serving.acceptor().accept();
    REQUIRE(accepted);
    const Input input = co_await receive_all(**accepted, octets);
    CHECK(input.octets.size() >= octets);
    const bool passed = co_await sleep_for(seconds(1));
    CHECK(passed);
    co_await (*accepted)->close(Ending::reset);
    co_await scope.join();
    const Outcome outcome = co_await exchange.outcome();
    co_await client.close();
    co_await serving.acceptor().close();
    co_return outcome;
}

TEST_CASE("C6 over TLS: acknowledged is what the server's TCP has whole records of",
          "[tls][http][outcome]") {
    for (const std::uint64_t octets : {1'000U, 100'000U}) {
        CAPTURE(octets);
        const Outcome outcome = simulation::run(
            {}, [&](const simulation::World& world) { return be_interrupted(world.loop, octets); });
        CHECK(http::id(verdict_of(outcome)) == "C6");
        REQUIRE(outcome.send.acknowledged);
        // What the server read, what its kernel took, and its transport, which nobody read from.
        const std::uint64_t taken = octets + (16 + 128 + 16 * 16) * 1024;
        CHECK(*outcome.send.acknowledged <= taken);
        CHECK(*outcome.send.acknowledged + std::uint64_t{3} * 16 * 1024 > taken);
        CHECK(*outcome.send.acknowledged < outcome.send.wire_accepted());
    }
}

}  // namespace
}  // namespace sluice::tests
