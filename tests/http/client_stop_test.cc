#include "sluice/http/client.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/http/scripted_server.h"
#include "sluice/tests/support/simulation.h"

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::http::tests {
namespace {

using namespace std::chrono_literals;

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
const std::string content(300'000, 'x');

// What an application does: uploads, reads the answer, asks for the outcome.
Task<> upload(Client& client, ClientRequest request, std::optional<Outcome>& result) {
    Exchange exchange = client.begin(request);
    if (request.framing().kind != Framing::Kind::none && request.content() == nullptr) {
        const sluice::Result<void> written = co_await write_all(exchange, content, 10'000);
        static_cast<void>(written);
    }
    const sluice::Result<std::string> answer = co_await read_all(exchange);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(answer.has_value() == (outcome.receive.phase == ReceivePhase::complete));
    result = outcome;
}

Task<> stop_after(ClientRig& rig, ClientRequest request, Duration pause, std::string facts) {
    std::optional<Outcome> outcome;
    Scope scope(rig.loop());
    scope.spawn(upload(rig.client(), std::move(request), outcome));
    co_await sleep_for(pause);
    scope.request_stop();
    const Instant asked = rig.loop().now();
    co_await scope.join();
    REQUIRE(outcome);
    CHECK(facts_of(*outcome) == facts);
    CHECK(rig.loop().now() - asked < 1s);
    CHECK(rig.ended().size() == 1);
}

struct Case {
    const char* why;
    Script script;
    ClientRequest request;
    std::string facts;
};

std::vector<Case> cases() {
    const std::string url = "http://127.0.0.1/";
    const std::string got = "all_accepted 35+0/0+0 of - | ";
    return {
        {"while waiting for 100",
         {expect_heads(), rest()},
         put(url).length(content.size()).expect_continue(),
         "C15 0 idempotent_only | application cancelled continue_wait none | "
         "head_sent 81+0/0+0 of 300000 | none none 0+0+0 of - | 1"},
        {"while content of its own waits for 100",
         {expect_heads(), rest()},
         put(url).content("abc").expect_continue(),
         "C15 0 idempotent_only | application cancelled continue_wait none | "
         "head_sent 76+0/0+0 of 3 | none none 0+0+0 of - | 1"},
        {"while waiting for a response",
         {expect_heads(), rest()},
         get(url),
         "C15 0 idempotent_only | application cancelled first_byte none | " + got +
             "none none 0+0+0 of - | 1"},
        {"in the head",
         {expect_heads(), say("HTTP/1."), rest()},
         get(url),
         "C15 0 idempotent_only | application cancelled head none | " + got +
             "head_partial none 7+0+0 of - | 1"},
        {"in the content",
         {expect_heads(), say(ok + "hel"), rest()},
         get(url),
         "C15 200 idempotent_only | application cancelled body none | " + got +
             "body_partial length 38+3+0 of 5 | 1"},
        {"too late",
         {expect_heads(), say(ok + "hello")},
         get(url),
         "C13 200 no | none none none none | " + got + "complete length 38+5+0 of 5 | 1 reusable"},
    };
}

TEST_CASE("client: a stop is answered in every phase, with what is true by then",
          "[http][client]") {
    for (const Case& each : cases()) {
        CAPTURE(each.why);
        with_client({each.script}, [&](ClientRig& rig) {
            return stop_after(rig, each.request, 500ms, each.facts);
        });
    }
}

Task<> stop_somewhere(ClientRig& rig, Duration pause) {
    std::optional<Outcome> outcome;
    Scope scope(rig.loop());
    scope.spawn(upload(rig.client(), put(rig.url()).length(content.size()), outcome));
    co_await sleep_for(pause);
    scope.request_stop();
    co_await scope.join();
    REQUIRE(outcome);
    const Verdict verdict = verdict_of(*outcome);
    CHECK((verdict == Verdict::cancelled || verdict == Verdict::complete));
    CHECK(rig.ended().size() == 1);
    co_await sleep_for(1s);
    // What the record says was accepted is what came, or more: a reset may overtake it.
    const std::size_t came = rig.seen().empty() ? 0 : rig.seen().front()->octets.size();
    CHECK(came <= outcome->send.wire_accepted());
    if (verdict == Verdict::complete) {
        CHECK(came == outcome->send.wire_accepted());
    }
}

TEST_CASE("client: a stop in the middle of an upload tells how much was accepted",
          "[http][client]") {
    const std::uint64_t octets = 59 + content.size();
    sluice::tests::for_each_seed(200, [&](std::uint64_t seed) {
        simulation::Options world = simulation::faulty(seed);
        world.network.octets_per_second = 100'000'000;
        with_client(
            {{expect_octets(octets), say(ok + "hello")}},
            [&](ClientRig& rig) {
                return stop_somewhere(rig, std::chrono::microseconds(seed * 200));
            },
            {}, world);
    });
}

Task<> pass_deadline(ClientRig& rig) {
    std::optional<Outcome> outcome;
    const Instant began = rig.loop().now();
    ClientRequest request = get(rig.url());
    request.total_max(2s);
    co_await upload(rig.client(), request, outcome);
    REQUIRE(outcome);
    CHECK(verdict_of(*outcome) == Verdict::timed_out);
    CHECK(outcome->cause.mechanism == Mechanism::deadline);
    CHECK(rig.loop().now() - began >= 2s);
    CHECK(rig.loop().now() - began < 3s);
}

TEST_CASE("client: a request's own limit ends it, though octets go on coming", "[http][client]") {
    Script drip{expect_heads(), say("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")};
    for (int each = 0; each < 50; ++each) {
        drip.push_back(pause(100ms));
        drip.push_back(say("x"));
    }
    with_client({drip}, pass_deadline);
    with_client({{expect_heads(), rest()}}, pass_deadline);
}

constexpr Duration tick{1 << 20};  // The timers' grain.

Task<> answered_in_time(ClientRig& rig, std::size_t& at_the_last_moment) {
    std::optional<Outcome> outcome;
    ClientRequest request = get(rig.url());
    request.total_max(2s);
    co_await upload(rig.client(), request, outcome);
    REQUIRE(outcome);
    const Verdict verdict = verdict_of(*outcome);
    CHECK((verdict == Verdict::complete || verdict == Verdict::timed_out));
    const Instant due = outcome->times.queued + 2s;
    const Instant fires = tick * ((due + tick - 1ns) / tick);
    at_the_last_moment += verdict == Verdict::complete && outcome->times.ended >= fires ? 1 : 0;
}

TEST_CASE("client: an answer that comes with the deadline is an answer", "[http][client]") {
    std::size_t at_the_last_moment = 0;
    sluice::tests::for_each_seed(44, [&](std::uint64_t seed) {
        // The server's timer fires on a tick, and its octets take a tick, less some turns of the
        // loop: so now and then they arrive exactly when the client's timer fires.
        simulation::Options world;
        world.seed = seed;
        world.network.latency_min = tick - 10us * static_cast<int>(seed / 4);
        world.network.latency_max = world.network.latency_min;
        const Duration late = 2s - tick * static_cast<int>(3 + seed % 4);
        with_client(
            {{expect_heads(), pause(late), say(ok + "hello")}},
            [&](ClientRig& rig) { return answered_in_time(rig, at_the_last_moment); }, {}, world);
    });
    CHECK(at_the_last_moment > 0);
}

Task<> close_while_busy(ClientRig& rig) {
    std::optional<Outcome> busy;
    Scope scope(rig.loop());
    scope.spawn(upload(rig.client(), get(rig.url()), busy));
    co_await sleep_for(1s);
    const Instant asked = rig.loop().now();
    co_await rig.client().close(5s);
    CHECK(rig.loop().now() - asked >= 5s);
    CHECK(rig.loop().now() - asked < 6s);
    CHECK(rig.client().connections() == 0);
    co_await scope.join();
    REQUIRE(busy);
    CHECK(verdict_of(*busy) == Verdict::cancelled);
    CHECK(busy->cause.mechanism == Mechanism::drain);
    std::optional<Outcome> late;
    co_await upload(rig.client(), get(rig.url()), late);
    REQUIRE(late);
    CHECK(verdict_of(*late) == Verdict::refused_locally);
    CHECK(late->cause.mechanism == Mechanism::drain);
}

TEST_CASE("client: close() aborts what its patience did not suffice for, and refuses what comes",
          "[http][client]") {
    with_client({{expect_heads(), rest()}}, close_while_busy);
}

Task<> close_and_note(ClientRig& rig, bool& closed) {
    co_await rig.client().close();
    closed = true;
}

Task<> stop_closing(ClientRig& rig) {
    std::optional<Outcome> busy;
    bool closed = false;
    Scope exchanges(rig.loop());
    exchanges.spawn(upload(rig.client(), get(rig.url()), busy));
    Scope closing(rig.loop());
    closing.spawn(close_and_note(rig, closed));
    co_await sleep_for(60s);
    CHECK_FALSE(closed);
    CHECK_FALSE(busy);
    closing.request_stop();
    co_await closing.join();
    CHECK(rig.client().connections() == 0);
    co_await exchanges.join();
    REQUIRE(busy);
    CHECK(busy->cause.mechanism == Mechanism::drain);
}

TEST_CASE("client: a stop of close() aborts what is under way", "[http][client]") {
    ClientOptions options;
    options.first_byte_max = never;
    with_client({{expect_heads(), rest()}}, stop_closing, options);
}

Task<> close_in_good_order(ClientRig& rig) {
    std::optional<Outcome> first;
    co_await upload(rig.client(), get(rig.url()), first);
    CHECK(rig.client().idle_connections() == 1);
    std::optional<Outcome> sending;
    std::optional<Outcome> waiting;
    std::optional<Outcome> late;
    Scope scope(rig.loop());
    scope.spawn(upload(rig.client(), put(rig.url()).length(content.size()), sending));
    scope.spawn(upload(rig.client(), get(rig.url()), waiting));
    co_await yield();
    Scope closing(rig.loop());
    bool closed = false;
    closing.spawn(close_and_note(rig, closed));
    co_await sleep_for(100ms);
    CHECK_FALSE(closed);
    co_await upload(rig.client(), get(rig.url()), late);
    co_await closing.join();
    CHECK(closed);
    CHECK(rig.client().connections() == 0);
    co_await scope.join();
    REQUIRE(late);
    CHECK(verdict_of(*late) == Verdict::refused_locally);
    REQUIRE(sending);
    CHECK(verdict_of(*sending) == Verdict::complete);
    REQUIRE(waiting);  // For the only connection there may be.
    CHECK(verdict_of(*waiting) == Verdict::complete);
}

TEST_CASE("client: close() waits for what is under way, what waits for a connection included",
          "[http][client]") {
    ClientOptions options;
    options.connections_per_origin_max = 1;
    const Script script{
        expect_heads(),   say(ok + "hello"), expect_octets(59 + 35 + content.size()),
        pause(1s),        say(ok + "hello"), expect_heads(3),
        say(ok + "hello")};
    with_client({script}, close_in_good_order, options);
}

Task<> close_with_idle(ClientRig& rig) {
    std::optional<Outcome> outcome;
    co_await upload(rig.client(), get(rig.url()), outcome);
    CHECK(rig.client().idle_connections() == 1);
    const Instant asked = rig.loop().now();
    co_await rig.client().close();
    co_await rig.client().close();
    CHECK(rig.client().connections() == 0);
    CHECK(rig.loop().now() - asked < 1s);
}

TEST_CASE("client: close() closes idle connections at once", "[http][client]") {
    with_client({{expect_heads(), say(ok + "hello"), rest()}}, close_with_idle);
}

Task<> upload_without_memory(ClientRig& rig) {
    std::optional<Outcome> outcome;
    co_await upload(rig.client(), put(rig.url()).length(content.size()), outcome);
    REQUIRE(outcome);
    CHECK(facts_of(*outcome) ==
          "C18 0 never_on_wire | local_resource limit send_head none | "
          "assigned 0+0/10000+0 of 300000 | none none 0+0+0 of - | 1");
    CHECK(outcome->times.ended - outcome->times.queued < 1s);
}

TEST_CASE("client: a send that this machine has no memory for ends its exchange at once",
          "[http][client]") {
    simulation::Options world;
    world.script = {{.kind = simulation::FaultKind::send_error}};
    with_client({{rest()}}, upload_without_memory, {}, world);
}

// The answer is whole, and its connection was reset while the request's head was still being sent.
Task<> finish_first(ClientRig& rig) {
    const ClientRequest request = put(rig.url()).length(0);
    Exchange exchange = rig.client().begin(request);
    const sluice::Result<void> finished = co_await exchange.body().finish();
    CHECK_FALSE(finished.has_value());
    const sluice::Result<std::string> answer = co_await read_all(exchange);
    CHECK(answer == "hello");
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::answered_early);
    CHECK(outcome.times.ended - outcome.times.queued < 1s);
}

TEST_CASE("client: who finishes a request is not kept waiting once its answer has come",
          "[http][client]") {
    simulation::Options world;
    world.network.send_buffer_octets = 10;
    world.network.receive_buffer_octets = 10;
    with_client({{pause(1ms), say(ok + "hello"), pause(1ms), reset()}}, finish_first, {}, world);
}

// What becomes of exchanges must not depend on the luck of any operation.
Task<> survive(ClientRig& rig) {
    std::optional<Outcome> outcome;
    co_await upload(rig.client(), put(rig.url()).length(content.size()), outcome);
    CHECK(outcome.has_value());
    co_await upload(rig.client(), get(rig.url()), outcome);
    CHECK(outcome.has_value());
    CHECK(rig.ended().size() == 2);
}

TEST_CASE("client: whichever operation fails, each exchange ends once, and nothing is left",
          "[http][client]") {
    const Script script{expect_octets(59 + content.size()), say(ok + "hello"),
                        expect_octets(94 + content.size()), say(ok + "hello")};
    std::size_t operations = 0;
    const auto count = [&](std::size_t number, const Request&) {
        operations = number;
        return 0;
    };
    with_client({script}, survive, {}, {}, count);
    CHECK(operations > 20);
    for (const int error : {-ECONNRESET, -EPIPE, -ENOBUFS}) {
        for (std::size_t failing = 1; failing <= operations; ++failing) {
            CAPTURE(error, failing);
            const auto fault = [&](std::size_t number, const Request& request) {
                const bool is_the_clients = std::holds_alternative<Send>(request) ||
                                            std::holds_alternative<Connect>(request) ||
                                            std::holds_alternative<Receive>(request);
                return number == failing && is_the_clients ? error : 0;
            };
            with_client({script, script}, survive, {}, {}, fault);
        }
    }
}

}  // namespace
}  // namespace sluice::http::tests
