// What a server's observer is told of exchanges that had ended: that their responses were
// delivered better than was known then.

#include "sluice/http/server.h"

#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/tests/http/server_harness.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::Confirmation;
using http::DeliveryLevel;
using http::Outcome;
using http::Request;
using http::Responder;
using http::Status;
using http::Verdict;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const simulation::Options far_away{
    .network = {.latency_min = milliseconds(20), .latency_max = milliseconds(20)}};

// Each rise as the number of its exchange and its new verdict, "1:S13".
std::string rises(const Played& played) {
    std::string text;
    for (const Outcome& each : played.rises) {
        text.append(text.empty() ? "" : " ").append(std::to_string(each.connection.exchange));
        text.append(":").append(http::id(http::verdict_of(each)));
    }
    return text;
}

Played played_by(const Script& script, const http::Handler& handler = say_hello,
                 const http::ServerOptions& options = {}) {
    return play({.handler = handler,
                 .clients = {script},
                 .options = options,
                 .world = far_away,
                 .wants_rises = true});
}

TEST_CASE("a rise: the next request confirms the response that it came after",
          "[http][server][outcome]") {
    const Played played =
        played_by({Send{get()}, ReceiveUntil{"hello"}, Send{get()}, ReceiveUntil{"hello"}});
    CHECK(played.ids() == "S11 S11");
    REQUIRE(rises(played).starts_with("1:S13"));
    const Outcome& rise = played.rises.front();
    CHECK(rise.send.confirmation == Confirmation::next_request);
    CHECK(rise.send.acknowledged == rise.send.wire_accepted());
    CHECK(rise.exchange_id == played.outcomes.front().exchange_id);
    CHECK(rise.send.acknowledged_at > rise.times.ended);
}

TEST_CASE("a rise: a request that was pipelined confirms nothing", "[http][server][outcome]") {
    const Played at_once = played_by({Send{get() + get()}, Wait{seconds(1)}, Send{get()},
                                      ReceiveUntil{"hello"}, Wait{seconds(1)}});
    CHECK(at_once.ids() == "S11 S11 S11");
    // The third came after both, so the first is acknowledged too, but it confirms the second only.
    CHECK(rises(at_once).starts_with("1:S12 2:S13"));
}

TEST_CASE("a rise: a request that crossed the response on its way confirms nothing",
          "[http][server][outcome]") {
    // The response leaves after 20 ms and is there after 40 ms; the next request leaves after 30.
    const Played played = played_by({Send{get()}, Wait{milliseconds(30)}, Send{get()},
                                     Wait{seconds(1)}, Send{get()}, Wait{seconds(1)}});
    CHECK(played.ids() == "S11 S11 S11");
    CHECK(rises(played).starts_with("1:S12 2:S13"));
}

Task<> answer_and_rest(Request&, Responder& responder) {
    const Outcome outcome = co_await responder.send(Status::ok, "hello\n");
    CHECK(verdict_of(outcome) == Verdict::sent);
    co_await sleep_for(seconds(2));
}

TEST_CASE("a rise: a request that came while the handler was busy confirms nothing",
          "[http][server][outcome]") {
    // It was there before the response was, or after: nobody had looked.
    for (const Duration wait : {milliseconds(10), milliseconds(500)}) {
        const Played played =
            played_by({Send{get()}, Wait{wait}, Send{get()}, Wait{seconds(10)}}, answer_and_rest);
        CHECK(played.ids() == "S11 S11");
        CHECK(rises(played).starts_with("1:S12"));
    }
}

Task<> answer_acknowledged(Request&, Responder& responder) {
    responder.respond(Status::ok, "hello\n");
    const Outcome outcome = co_await responder.finish(DeliveryLevel::acknowledged);
    CHECK(delivery_of(outcome) == DeliveryLevel::acknowledged);
}

TEST_CASE("a rise: from acknowledged to confirmed, where the handler had waited for that",
          "[http][server][outcome]") {
    const Played played = played_by({Send{get()}, Wait{seconds(1)}, Send{get()}, Wait{seconds(1)}},
                                    answer_acknowledged);
    CHECK(played.ids() == "S12 S12");
    CHECK(rises(played) == "1:S13");
}

TEST_CASE("a rise: a client that closes shows that it has acknowledged, and no more",
          "[http][server][outcome]") {
    const Played played = played_by({Send{get()}, ReceiveUntil{"hello"}, HalfClose{}});
    CHECK(played.ids() == "S11");
    CHECK(rises(played) == "1:S12");
    CHECK(played.rises.front().send.confirmation == Confirmation::none);
}

TEST_CASE("a rise: an orderly close after ours confirms the last response",
          "[http][server][outcome][drain]") {
    const Played played = played_by(
        {Send{get()}, ReceiveUntil{"hello"}, Wait{seconds(1)}, Drain{hours(1)}, ReceiveRest{}});
    CHECK(played.ids() == "S11");
    CHECK(rises(played) == "1:S13");
    CHECK(played.rises.front().send.confirmation == Confirmation::orderly_close);
}

TEST_CASE("a rise: a reset shows nothing", "[http][server][outcome]") {
    const Played played =
        played_by({Send{get()}, ReceiveUntil{"hello"}, Wait{seconds(1)}, Reset{}});
    CHECK(played.ids() == "S11");
    CHECK(rises(played).empty());
}

TEST_CASE("a rise: of pipelined responses only so many are waited for, the last ones",
          "[http][server][outcome]") {
    std::string requests;
    for (int count = 0; count < 50; ++count) {
        requests.append(get());
    }
    const Played played =
        played_by({Send{requests}, Wait{seconds(1)}, Send{get()}, Wait{seconds(1)}});
    REQUIRE(played.outcomes.size() == 51);
    REQUIRE(played.rises.size() >= 32);
    CHECK(played.rises.front().connection.exchange == 50 - 32 + 1);
    CHECK(verdict_of(played.rises[31]) == Verdict::confirmed);
}

TEST_CASE("a rise: is told to an observer that wants it, and no other", "[http][server][outcome]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{get()}, ReceiveUntil{"hello"}, Wait{seconds(1)}, Send{get()},
                     Wait{seconds(1)}}},
        .world = far_away,
    });
    CHECK(played.ids() == "S11 S11");
    CHECK(played.rises.empty());
}

TEST_CASE("exchange_id: is the same for request and outcome, and no other's",
          "[http][server][outcome]") {
    std::vector<std::uint64_t> asked;
    const Script script{Send{get() + get() + "GET"}, Wait{seconds(1)}};
    const Played played = play({
        .handler =
            [&](Request& request, Responder& responder) {
                asked.push_back(request.exchange_id());
                return say_hello(request, responder);
            },
        .clients = {script, script, {}},
    });
    REQUIRE(asked.size() == 4);
    REQUIRE(played.outcomes.size() == 7);  // Two whole, one cut for each of two; and no exchange.
    std::set<std::uint64_t> told;
    for (const Outcome& outcome : played.outcomes) {
        CHECK(outcome.exchange_id != 0);
        CHECK(told.insert(outcome.exchange_id).second);
    }
    CHECK(std::ranges::all_of(asked, [&](std::uint64_t id) { return told.contains(id); }));
}

}  // namespace
}  // namespace sluice::tests
