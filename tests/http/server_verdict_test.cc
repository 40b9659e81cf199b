// What a server's observer is told of exchanges that got no whole request, or no answer.

#include "sluice/http/server.h"

#include "sluice/http/outcome_json.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/tests/http/server_harness.h"
#include "sluice/tests/support/simulation.h"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::ExchangePhase;
using http::Mechanism;
using http::Outcome;
using http::Party;
using http::Request;
using http::Responder;
using http::TimeoutKind;
using std::chrono::hours;
using std::chrono::seconds;

struct Ending {
    std::string_view why;
    Script script;
    Party party;
    Mechanism mechanism;
};

TEST_CASE("S0: a connection without one octet of a request is told once, with who ended it",
          "[http][outcome]") {
    const std::vector<Ending> endings = {
        {"a probe", {Wait{seconds(1)}, Close{}}, Party::peer, Mechanism::fin},
        {"a probe that resets", {Wait{seconds(1)}, Reset{}}, Party::peer, Mechanism::reset},
        {"nothing came", {ReceiveRest{}}, Party::peer, Mechanism::timeout},
        {"a drain",
         {Wait{seconds(1)}, Drain{seconds(1)}, ReceiveRest{}},
         Party::local_resource,
         Mechanism::drain},
        {"a stop",
         {Wait{seconds(1)}, StopServer{}, ReceiveRest{}},
         Party::local_resource,
         Mechanism::drain},
    };
    for (const Ending& each : endings) {
        CAPTURE(each.why);
        const Played played = play({.handler = say_hello, .clients = {each.script}});
        CHECK(played.ids() == "S0");
        CHECK(played.answers().empty());
        CHECK(played.outcome().cause.party == each.party);
        CHECK(played.outcome().cause.mechanism == each.mechanism);
        CHECK(played.outcome().cause.phase == ExchangePhase::idle);
        CHECK(played.outcome().receive.wire() == 0);
        CHECK(played.outcome().connection.peer.family() == AF_INET);
    }
}

TEST_CASE("S0: is not told of a connection that was idle after an exchange", "[http][outcome]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{get()}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S11");
    CHECK(played.answers() == answer("200 OK", "hello\n"));
    CHECK(played.clients.front().end == PeerEnd::fin);
}

TEST_CASE("S1: a head that ends before its end is answered by nobody", "[http][outcome]") {
    for (const bool reset : {false, true}) {
        CAPTURE(reset);
        const Step go = reset ? Step(Reset{}) : Step(HalfClose{});
        Script script{Send{"GET / HT"}, Wait{seconds(1)}, go};
        if (!reset) {
            script.emplace_back(ReceiveRest{});
        }
        const Played played = play({.handler = say_hello, .clients = {script}});
        CHECK(played.ids() == "S1");
        CHECK(played.answers().empty());
        CHECK(played.outcome().receive.head == 8);
        CHECK(played.outcome().note_count == 0);
        CHECK(played.outcome().cause.phase == ExchangePhase::head);
        CHECK(played.outcome().cause.mechanism == (reset ? Mechanism::reset : Mechanism::fin));
    }
}

TEST_CASE("S2: a head that takes too long is answered with 408, once it has begun",
          "[http][outcome][rfc9110-15.5.9]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{"GET / HT"}, Wait{seconds(2)}, Send{"TP/"}, ReceiveRest{}}},
        .options = {.head_max = seconds(10)},
    });
    CHECK(played.ids() == "S2");
    CHECK(played.answers() == refusal("408 Request Timeout"));
    CHECK(played.clients.front().end == PeerEnd::fin);
    CHECK(played.outcome().cause.timeout == TimeoutKind::head);
    CHECK(played.outcome().receive.head == 11);
    const Duration took = played.outcome().times.last_byte_out - played.outcome().times.queued;
    CHECK(took >= seconds(10));
    CHECK(took < seconds(11));
}

TEST_CASE("S2: an idle connection is closed without a word", "[http][outcome]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{get()}, ReceiveRest{}}},
        .options = {.idle_max = seconds(3)},
    });
    CHECK(played.answers() == answer("200 OK", "hello\n"));
    CHECK(played.ids() == "S11");
}

struct Rejection {
    std::string_view status;
    std::string request;
};

TEST_CASE("S3: a head that is wrong gets its status, and nothing after it is read",
          "[http][outcome][rfc9110-15.5]") {
    const std::vector<Rejection> rejections = {
        {"400 Bad Request", get("/", "A b: c\r\n")},
        {"413 Content Too Large", put(std::string(1001, 'x'))},
        {"414 URI Too Long", get("/" + std::string(200, 'x'))},
        {"417 Expectation Failed", get("/", "Expect: miracles\r\n")},
        {"431 Request Header Fields Too Large", get("/", "A: " + std::string(1000, 'x') + "\r\n")},
        {"501 Not Implemented", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"},
        {"505 HTTP Version Not Supported", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
    };
    http::ServerOptions options;
    options.limits.content_octets_max = 1000;
    options.limits.target_octets_max = 100;
    options.limits.head_octets_max = 500;
    for (const Rejection& each : rejections) {
        CAPTURE(each.status);
        const Played played = play({
            .handler = say_hello,
            .clients = {{Send{each.request + get()}, ReceiveRest{}}},
            .options = options,
        });
        CHECK(played.ids() == "S3");
        CHECK(played.answers() == refusal(each.status));
        CHECK(played.clients.front().end == PeerEnd::fin);
        CHECK(played.outcome().cause.party == Party::peer);
        CHECK(played.outcome().cause.phase == ExchangePhase::head);
        CHECK(std::to_string(code_of(played.outcome().status)) == each.status.substr(0, 3));
        CHECK_FALSE(played.outcome().connection.reusable);
    }
}

// What a handler's read of the content failed with.
Task<> keep_error(Error& error, Request& request, Responder&) {
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        if (!content) {
            error = content.error();
            co_return;
        }
    }
}

struct Truncation {
    std::string_view why;
    Script script;
    Errc code;
    std::uint64_t octets;
    std::string_view status;  // Empty: nobody is left to be told.
};

TEST_CASE("S4: content that ends before its end is an error of the read, with how much came",
          "[http][outcome]") {
    const std::string chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string half = put("0123456789").substr(0, put("0123456789").size() - 6);
    const std::vector<Truncation> truncations = {
        {"FIN",
         {Send{half}, HalfClose{}, ReceiveRest{}},
         Errc::end_of_stream,
         4,
         "400 Bad Request"},
        {"FIN in a chunk",
         {Send{chunked + "5\r\nabc"}, HalfClose{}, ReceiveRest{}},
         Errc::end_of_stream,
         3,
         "400 Bad Request"},
        {"FIN before the last chunk",
         {Send{chunked + "3\r\nabc\r\n"}, HalfClose{}, ReceiveRest{}},
         Errc::end_of_stream,
         3,
         "400 Bad Request"},
        {"reset", {Send{half}, Wait{seconds(1)}, Reset{}}, Errc::reset, 4, ""},
        {"silence", {Send{half}, ReceiveRest{}}, Errc::timed_out, 4, "408 Request Timeout"},
        {"a bad chunk",
         {Send{chunked + "3\r\nabcX"}, ReceiveRest{}},
         Errc::invalid,
         3,
         "400 Bad Request"},
        {"too much",
         {Send{chunked + "3e9\r\nabc"}, ReceiveRest{}},
         Errc::limit_exceeded,
         0,
         "413 Content Too Large"},
    };
    http::ServerOptions options;
    options.limits.content_octets_max = 1000;
    for (const Truncation& each : truncations) {
        CAPTURE(each.why);
        Error error;
        const Played played = play({
            .handler = [&](Request& request,
                           Responder& responder) { return keep_error(error, request, responder); },
            .clients = {each.script},
            .options = options,
        });
        CHECK(played.ids() == "S4");
        CHECK(error.code == each.code);
        CHECK(error.octets_done == each.octets);
        CHECK(played.outcome().receive.body == each.octets);
        CHECK(played.outcome().cause.phase == ExchangePhase::body);
        CHECK(played.answers() == (each.status.empty() ? "" : refusal(each.status)));
    }
}

struct Seen {
    bool stopped = false;
    bool gone = false;
    bool ended = false;
};

// Waits for a stop, and takes its time over what must be done all the same.
Task<> wait_for_stop(Seen& seen, Request&, Responder& responder) {
    const bool passed = co_await sleep_for(hours(1));
    seen.stopped = !passed;
    seen.gone = responder.client_gone();
    Under<bool> tidying = shielded(sleep_for(seconds(5)));
    co_await tidying;
    seen.ended = true;
}

TEST_CASE("S5: a handler whose client is gone is asked to stop, and runs to its end",
          "[http][outcome]") {
    Seen seen;
    const Played played = play({
        .handler = [&](Request& request,
                       Responder& responder) { return wait_for_stop(seen, request, responder); },
        .clients = {{Send{get()}, Wait{seconds(1)}, Reset{}}},
    });
    CHECK(played.ids() == "S5");
    CHECK(seen.stopped);
    CHECK(seen.gone);
    CHECK(seen.ended);
    CHECK(played.outcome().cause.party == Party::peer);
    CHECK(played.outcome().cause.mechanism == Mechanism::reset);
    CHECK(played.outcome().cause.phase == ExchangePhase::handler);
    CHECK(played.outcome().send.wire_accepted() == 0);
    const Duration took = played.outcome().times.ended - played.outcome().times.queued;
    CHECK(took >= seconds(6));
    CHECK(took < seconds(7));
}

TEST_CASE("S5: a reset is noticed past requests that were not read, and past a FIN",
          "[http][outcome]") {
    std::string many;
    for (int count = 0; count < 5000; ++count) {
        many.append(get("/" + std::string(100, 'x')));
    }
    const std::vector<Script> scripts = {
        {Send{get() + get()}, Wait{seconds(1)}, Reset{}},
        {Send{many.substr(0, 200'000)}, Wait{seconds(1)}, Reset{}},
        {Send{get()}, HalfClose{}, Wait{seconds(1)}, Reset{}},
        {Send{many.substr(0, 200'000)}, HalfClose{}, Wait{seconds(1)}, Reset{}},
    };
    for (const Script& script : scripts) {
        Seen seen;
        const Played played = play({
            .handler =
                [&](Request& request, Responder& responder) {
                    return wait_for_stop(seen, request, responder);
                },
            .clients = {script},
            .world = {.buffer_octets = 4096},
        });
        CHECK(seen.stopped);
        CHECK(played.ids() == "S5");
        CHECK(played.outcome().cause.mechanism == Mechanism::reset);
        CHECK(played.outcome().times.ended - played.outcome().times.queued < seconds(7));
    }
}

// Reads everything, then waits for a stop.
Task<> read_and_wait(Seen& seen, Request& request, Responder& responder) {
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        CHECK(content);
    }
    co_await wait_for_stop(seen, request, responder);
}

// Answers although it was asked to stop.
Task<> answer_all_the_same(std::optional<Outcome>& told, Request&, Responder& responder) {
    co_await sleep_for(hours(1));
    told = co_await responder.send(http::Status::created, "hello\n");
}

TEST_CASE("S5: a status of which nothing was accepted was not sent, whatever the handler chose",
          "[http][outcome]") {
    std::optional<Outcome> told;
    const Played played = play({
        .handler =
            [&](Request& request, Responder& responder) {
                return answer_all_the_same(told, request, responder);
            },
        .clients = {{Send{get()}, Wait{seconds(1)}, Reset{}}},
    });
    CHECK(played.ids() == "S5");
    CHECK(played.outcome().send.wire_accepted() == 0);
    CHECK(played.outcome().status == http::Status{});
    REQUIRE(told);
    CHECK(told->status == http::Status{});
    CHECK(http::to_json(*told).find("\"status\":null") != std::string::npos);
}

TEST_CASE("S5: is told at once, in whatever order the request's end and the client's are seen",
          "[http][outcome]") {
    const std::string request = put("0123456789");
    const std::string half = request.substr(0, request.size() - 5);
    for_each_seed(50, [&](std::uint64_t seed) {
        for (const bool by_fin : {false, true}) {
            Seen seen;
            const Step go = by_fin ? Step(HalfClose{}) : Step(Reset{});
            const Played played = play({
                .handler =
                    [&](Request& asked, Responder& responder) {
                        return read_and_wait(seen, asked, responder);
                    },
                .clients = {{Send{half}, Wait{seconds(1)}, Send{"56789"}, go}, {Wait{seconds(60)}}},
                .options = {.fin_is_gone = by_fin},
                .world = {.seed = seed},
            });
            CHECK(seen.stopped);
            CHECK(played.ids() == "S5 S0");
            CHECK(played.outcomes.front().receive.body == 10);
        }
    });
}

TEST_CASE("S5: the FIN of a client is its going only where the option says so",
          "[http][outcome][rfc9112-9.6]") {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const bool fin_is_gone = seed % 2 == 0;
        CAPTURE(seed);
        Seen seen;
        const Played played = play({
            .handler =
                [&](Request& request, Responder& responder) {
                    return wait_for_stop(seen, request, responder);
                },
            .clients = {{Send{get()}, HalfClose{}, ReceiveRest{}}},
            .options = {.fin_is_gone = fin_is_gone},
            .world = {.seed = seed},
        });
        CHECK(seen.stopped == fin_is_gone);
        CHECK(seen.ended);
        CHECK(played.ids() == (fin_is_gone ? "S5" : "S6"));
    }
}

Task<> fail(Request&, Responder&) {
    throw std::runtime_error("a bug of the application");
    co_return;
}

Task<> say_nothing(Request&, Responder&) {
    co_return;
}

TEST_CASE("S6: a handler that throws or says nothing is answered for with 500", "[http][outcome]") {
    for (const http::Handler& handler : {http::Handler(fail), http::Handler(say_nothing)}) {
        const Played played = play({
            .handler = handler,
            .clients = {{Send{get() + get()}, ReceiveRest{}}},
        });
        CHECK(played.ids() == "S6");
        CHECK(played.answers() == refusal("500 Internal Server Error"));
        CHECK(played.outcome().cause.party == Party::application);
        CHECK(played.outcome().cause.phase == ExchangePhase::handler);
        CHECK_FALSE(played.outcome().connection.reusable);
    }
}

}  // namespace
}  // namespace sluice::tests
