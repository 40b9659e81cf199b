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
#include <string>
#include <vector>

namespace sluice::http::tests {
namespace {

using namespace std::chrono_literals;

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Task<Outcome> exchange_once(Client& client, const ClientRequest& request) {
    Exchange exchange = client.begin(request);
    const sluice::Result<std::string> content = co_await read_all(exchange);
    static_cast<void>(content);
    const Outcome outcome = co_await exchange.outcome();
    co_return outcome;
}

Task<> get_into(ClientRig& rig, std::vector<Outcome>& outcomes) {
    const Outcome outcome = co_await exchange_once(rig.client(), get(rig.url()));
    outcomes.push_back(outcome);
}

Task<> use_one_connection(ClientRig& rig) {
    for (std::uint32_t round = 1; round <= 3; ++round) {
        const Outcome outcome = co_await exchange_once(rig.client(), get(rig.url()));
        CHECK(verdict_of(outcome) == Verdict::complete);
        CHECK(outcome.connection.exchange == round);
        CHECK(outcome.connection.reusable);
        CHECK((outcome.connection.idle >= 1s) == (round > 1));
        CHECK(rig.client().idle_connections() == 1);
        co_await sleep_for(1s);
    }
    CHECK(rig.seen().size() == 1);
}

TEST_CASE("client pool: a connection is used again after a response was read to its end",
          "[http][client]") {
    with_client({{expect_heads(1), say(ok), expect_heads(2), say(ok), expect_heads(3), say(ok)}},
                use_one_connection);
}

Task<> take_the_last_used(ClientRig& rig) {
    std::vector<Outcome> outcomes;
    Scope scope(rig.loop());
    scope.spawn(get_into(rig, outcomes));
    scope.spawn(get_into(rig, outcomes));
    co_await scope.join();
    REQUIRE(rig.client().idle_connections() == 2);
    const Endpoint last = outcomes.back().connection.local;
    const Outcome outcome = co_await exchange_once(rig.client(), get(rig.url()));
    CHECK(outcome.connection.local == last);
    CHECK(outcome.connection.exchange == 2);
}

TEST_CASE("client pool: the connection that was used last is used next", "[http][client]") {
    const Script twice{expect_heads(1), say(ok), expect_heads(2), say(ok)};
    const Script twice_later{expect_heads(1), pause(1s), say(ok), expect_heads(2), say(ok)};
    with_client({twice, twice_later}, take_the_last_used);
    with_client({twice_later, twice}, take_the_last_used);
}

Task<> find_idle_end(ClientRig& rig) {
    const Outcome first = co_await exchange_once(rig.client(), get(rig.url()));
    CHECK(first.connection.reusable);
    co_await sleep_for(1s);
    CHECK(rig.client().connections() == 0);
    const Outcome second = co_await exchange_once(rig.client(), get(rig.url()));
    CHECK(verdict_of(second) == Verdict::complete);
    CHECK(second.connection.exchange == 1);
    CHECK(rig.ended().size() == 2);
}

TEST_CASE("client pool: an idle connection that ends, or says something, is closed",
          "[http][client]") {
    const Script usual{expect_heads(), say(ok)};
    with_client({{expect_heads(), say(ok), fin()}, usual}, find_idle_end);
    with_client({{expect_heads(), say(ok), reset()}, usual}, find_idle_end);
    with_client({{expect_heads(), say(ok), pause(500ms), say("HTTP/1.1 408 x\r\n\r\n")}, usual},
                find_idle_end);
}

Task<> outlive_idle(ClientRig& rig) {
    const Outcome first = co_await exchange_once(rig.client(), get(rig.url()));
    CHECK(first.connection.reusable);
    co_await sleep_for(49s);
    CHECK(rig.client().idle_connections() == 1);
    co_await sleep_for(2s);
    CHECK(rig.client().connections() == 0);
    CHECK(rig.seen().front()->fin);
}

TEST_CASE("client pool: an idle connection is closed after its time", "[http][client]") {
    with_client({{expect_heads(), say(ok)}}, outlive_idle);
}

// The second request crosses the server's reset.
Task<> cross_the_end(ClientRig& rig, const ClientRequest& request, std::vector<Outcome>& outcomes) {
    const Outcome first = co_await exchange_once(rig.client(), get(rig.url()));
    CHECK(first.connection.reusable);
    Exchange exchange = rig.client().begin(request);
    if (request.framing().kind == Framing::Kind::length && request.content() == nullptr) {
        const sluice::Result<void> written = co_await write_all(exchange, "abc");
        CHECK(written);
    }
    const sluice::Result<std::string> content = co_await read_all(exchange);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(content.has_value() == (outcome.receive.phase == ReceivePhase::complete));
    outcomes.assign(exchange.attempts().begin(), exchange.attempts().end());
}

TEST_CASE(
    "client pool: a request that crosses the end of its connection is sent again if it may be",
    "[http][client]") {
    struct Case {
        const char* why;
        ClientRequest request;
        std::vector<Verdict> verdicts;
    };
    const std::string url = "http://127.0.0.1/";
    const std::vector<Case> cases = {
        {"idempotent", get(url), {Verdict::unanswered_reused, Verdict::complete}},
        {"idempotent, with content",
         put(url).content("abc"),
         {Verdict::unanswered_reused, Verdict::complete}},
        {"may not be executed twice", post(url), {Verdict::unanswered_reused}},
        {"content is used up", put(url).length(3), {Verdict::unanswered_reused}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.why);
        std::vector<Outcome> outcomes;
        with_client(
            {{expect_heads(1), say(ok), expect_heads(2), reset()}, {expect_heads(1), say(ok)}},
            [&](ClientRig& rig) { return cross_the_end(rig, each.request, outcomes); });
        REQUIRE(outcomes.size() == each.verdicts.size());
        for (std::size_t index = 0; index < outcomes.size(); ++index) {
            CHECK(verdict_of(outcomes[index]) == each.verdicts[index]);
            CHECK(outcomes[index].attempt == index + 1);
        }
    }
}

std::size_t posts_in(const ClientRig& rig) {
    std::size_t posts = 0;
    for (const auto& seen : rig.seen()) {
        posts += seen->octets.contains("POST ") ? 1 : 0;
    }
    return posts;
}

Task<> post_when_it_ends(ClientRig& rig, std::vector<Outcome>& attempts) {
    const Outcome first = co_await exchange_once(rig.client(), get(rig.url()));
    CHECK(first.connection.reusable);
    co_await sleep_for(999ms);
    Exchange exchange = rig.client().begin(post(rig.url()).content("abc"));
    const sluice::Result<std::string> content = co_await read_all(exchange);
    static_cast<void>(content);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(outcome.send.phase != SendPhase::unassigned);
    attempts.assign(exchange.attempts().begin(), exchange.attempts().end());
    co_await sleep_for(1s);
    CHECK(posts_in(rig) <= 1);
}

TEST_CASE("client pool: no crossing of request and end makes a request arrive twice",
          "[http][client]") {
    std::size_t unanswered = 0;
    sluice::tests::for_each_seed(sluice::tests::seeds_usual, [&](std::uint64_t seed) {
        simulation::Options world;
        world.seed = seed;
        world.network.latency_min = 10us;
        world.network.latency_max = 3ms;
        std::vector<Outcome> attempts;
        const auto drive = [&](ClientRig& rig) { return post_when_it_ends(rig, attempts); };
        const Script usual{expect_heads(1), say(ok)};
        with_client({{expect_heads(1), say(ok), pause(1s), reset()}, usual}, drive, {}, world);
        const Outcome& first = attempts.front();
        CHECK((attempts.size() == 2) == (verdict_of(first) == Verdict::stale_connection));
        if (verdict_of(first) == Verdict::unanswered_reused) {
            ++unanswered;
            CHECK(first.send.wire_accepted() > 0);
        }
    });
    CHECK(unanswered > 0);  // Else the latencies above are wrong.
}

Task<> post_on_stale(ClientRig& rig, std::vector<std::string>& facts) {
    const Outcome first = co_await exchange_once(rig.client(), get(rig.url()));
    CHECK(first.connection.reusable);
    Exchange exchange = rig.client().begin(post(rig.url()).content("abc"));
    const sluice::Result<std::string> content = co_await read_all(exchange);
    CHECK(content == "ok");
    const Outcome outcome = co_await exchange.outcome();
    CHECK(outcome.attempt == 2);
    for (const Outcome& attempt : exchange.attempts()) {
        facts.push_back(facts_of(attempt));
    }
    CHECK(posts_in(rig) == 1);
}

TEST_CASE("client pool: a request of which nothing was accepted is sent again, whatever its method",
          "[http][client]") {
    const Script usual{expect_heads(1), say(ok)};
    std::vector<std::string> facts;
    const auto drive = [&](ClientRig& rig) { return post_on_stale(rig, facts); };
    std::size_t sends = 0;
    const auto fault = [&](std::size_t, const Request& request) {
        sends += std::holds_alternative<Send>(request) ? 1 : 0;
        return std::holds_alternative<Send>(request) && sends == 3 ? -EPIPE : 0;
    };
    with_client({{expect_heads(1), say(ok), pause(1s), reset()}, usual}, drive, {}, {}, fault);
    CHECK(facts == std::vector<std::string>{
                       "C3 0 never_on_wire | peer reset send_head none | "
                       "assigned 0+0/3+0 of 3 | none none 0+0+0 of - reset | 2",
                       "C13 200 no | none none none none | all_accepted 55+3/3+0 of 3 | "
                       "complete length 38+2+0 of 2 | 1 reusable"});
}

Task<> wait_in_line(ClientRig& rig) {
    std::vector<Outcome> outcomes;
    Scope scope(rig.loop());
    for (int each = 0; each < 3; ++each) {
        scope.spawn(get_into(rig, outcomes));
    }
    co_await scope.join();
    REQUIRE(outcomes.size() == 3);
    for (std::uint32_t index = 0; index < 3; ++index) {
        CHECK(verdict_of(outcomes[index]) == Verdict::complete);
        CHECK(outcomes[index].connection.exchange == index + 1);
    }
    CHECK(rig.seen().size() == 1);
}

TEST_CASE("client pool: beyond the limit of connections exchanges wait, first come first served",
          "[http][client]") {
    ClientOptions options;
    options.connections_per_origin_max = 1;
    with_client({{expect_heads(1), say(ok), expect_heads(2), say(ok), expect_heads(3), say(ok)}},
                wait_in_line, options);
}

Task<> wait_too_long(ClientRig& rig) {
    Exchange first = rig.client().begin(get(rig.url()));
    Exchange second = rig.client().begin(get(rig.url()));
    Exchange third = rig.client().begin(get(rig.url()));
    const Outcome refused = co_await third.outcome();
    CHECK(facts_of(refused) ==
          "C1 0 never_on_wire | local_resource limit pool_wait none | "
          "unassigned 0+0/0+0 of - | none none 0+0+0 of - | 1");
    const Outcome late = co_await second.outcome();
    CHECK(facts_of(late) ==
          "C14 0 never_on_wire | local_resource timeout pool_wait pool_wait | "
          "unassigned 0+0/0+0 of - | none none 0+0+0 of - | 1");
    first.abort();
    const Outcome outcome = co_await first.outcome();
    CHECK(verdict_of(outcome) == Verdict::cancelled);
}

TEST_CASE("client pool: waiting has a limit, and so have those who wait", "[http][client]") {
    ClientOptions options;
    options.connections_per_origin_max = 1;
    options.waiters_per_origin_max = 1;
    options.pool_wait_max = 2s;
    with_client({{expect_heads(), rest()}}, wait_too_long, options);
}

Task<> keep_few(ClientRig& rig) {
    std::vector<Outcome> outcomes;
    Scope scope(rig.loop());
    for (int each = 0; each < 3; ++each) {
        scope.spawn(get_into(rig, outcomes));
    }
    co_await scope.join();
    CHECK(rig.client().idle_connections() == 2);
    co_await sleep_for(1s);
    CHECK(rig.client().connections() == 2);
}

TEST_CASE("client pool: no more idle connections are kept than wanted", "[http][client]") {
    ClientOptions options;
    options.idle_connections_max = 2;
    const Script usual{expect_heads(), say(ok)};
    with_client({usual, usual, usual}, keep_few, options);
}

Task<> leave_unread(ClientRig& rig) {
    Exchange exchange = rig.client().begin(get(rig.url()));
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::complete);
    CHECK(outcome.receive.discarded == 1000);
    CHECK(outcome.connection.reusable);
}

Task<> leave_too_much_unread(ClientRig& rig) {
    Exchange exchange = rig.client().begin(get(rig.url()));
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::cancelled);
    CHECK(outcome.receive.discarded > 500);
    CHECK_FALSE(outcome.connection.reusable);
}

TEST_CASE("client pool: a response that nobody reads is dropped within bounds, else reset",
          "[http][client]") {
    const Script script{
        expect_heads(),
        say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(600, 'x')), pause(1s),
        say(std::string(400, 'x'))};
    with_client({script}, leave_unread);
    ClientOptions options;
    options.drain_octets_max = 500;
    with_client({script}, leave_too_much_unread, options);
}

}  // namespace
}  // namespace sluice::http::tests
