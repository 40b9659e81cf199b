// How a server's connections end: with unread content, by their limits, in a drain.

#include "sluice/http/server.h"

#include "sluice/http/outcome.h"
#include "sluice/runtime/await.h"
#include "sluice/tests/http/server_harness.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::Mechanism;
using http::Request;
using http::Responder;
using http::Status;
using http::TimeoutKind;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string chunked_put(std::size_t octets) {
    std::string request = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t count = 0; count < octets; count += 1024) {
        request.append("400\r\n").append(1024, 'x').append("\r\n");
    }
    return request.append("0\r\n\r\n");
}

// --- An answer while the client is still sending ---

TEST_CASE("unread content: within the budget it is drained, and the next request served",
          "[http][server][linger]") {
    for (const std::string& upload : {put(std::string(200'000, 'x')), chunked_put(200 * 1024)}) {
        const Played played = play({
            .handler = say_hello,
            .clients = {{SendAndReceive{upload + get("/", "Connection: close\r\n")}}},
        });
        CHECK(played.ids() == "S15 S13");
        CHECK(played.answers() ==
              answer("200 OK", "hello\n") + closing(answer("200 OK", "hello\n")));
        CHECK(played.outcomes.front().receive.discarded == played.outcomes.front().receive.body);
    }
}

Task<> refuse(std::string_view content, Request&, Responder& responder) {
    responder.respond(Status::content_too_large, content);
    co_return;
}

TEST_CASE("unread content: beyond the budget the connection closes, and the answer arrives whole",
          "[http][server][linger][rfc9112-9.6]") {
    const std::string reason(600'000, 'r');
    const http::Handler handler = [&](Request& request, Responder& responder) {
        return refuse(reason, request, responder);
    };
    const Played declared = play({
        .handler = handler,
        .clients = {{SendAndReceive{put(std::string(3'000'000, 'x')) + get()}}},
    });
    CHECK(declared.ids() == "S15");
    CHECK(declared.answers() == closing(answer("413 Content Too Large", reason)));
    CHECK(declared.clients.front().end == PeerEnd::fin);
    CHECK(declared.outcome().receive.body == 0);

    const Played chunked = play({
        .handler = handler,
        .clients = {{SendAndReceive{chunked_put(3'000'000) + get()}}},
    });
    CHECK(chunked.ids() == "S15");
    CHECK(chunked.answers() == answer("413 Content Too Large", reason));
    CHECK(chunked.clients.front().end == PeerEnd::fin);
    CHECK(chunked.outcome().receive.discarded > 256 * 1024);
    CHECK(chunked.outcome().receive.discarded < 512 * 1024);
    CHECK_FALSE(chunked.outcome().connection.reusable);
}

TEST_CASE("unread content: beyond the time for it the connection closes too",
          "[http][server][linger][limit]") {
    const std::string upload = put(std::string(100, 'x'));
    Script script{Send{upload.substr(0, upload.size() - 100)}};
    for (int count = 0; count < 100; ++count) {
        script.emplace_back(Wait{seconds(1)});
        script.emplace_back(Send{"x"});
    }
    const Played played = play({
        .handler = say_hello,
        .clients = {script},
        .options = {.drain_max = seconds(10), .linger_max = seconds(10)},
    });
    CHECK(played.ids() == "S15");
    CHECK(played.outcome().receive.discarded >= 9);
    CHECK(played.outcome().receive.discarded <= 10);
    CHECK(played.outcome().times.ended - played.outcome().times.queued < seconds(22));
}

TEST_CASE("linger: ends by its octets or its time, where the client goes on sending",
          "[http][server][linger]") {
    const std::string endless = put(std::string(4'000'000, 'x'));
    const Played by_octets = play({
        .handler = say_hello,
        .clients = {{Send{endless}, ReceiveRest{}}},
        .options = {.linger_octets_max = 1'000'000},
    });
    CHECK(by_octets.ids() == "S15");
    CHECK(by_octets.clients.front().sent < 3'000'000);

    const Played by_time = play({
        .handler = say_hello,
        .clients = {{Send{endless.substr(0, 10'000)}, ReceiveUntil{"hello"}, Wait{seconds(60)}}},
        .options = {.linger_max = seconds(7)},
    });
    CHECK(by_time.ids() == "S15");
    const Duration took = by_time.outcome().times.ended - by_time.outcome().times.queued;
    CHECK(took >= seconds(7));
    CHECK(took < seconds(8));
}

TEST_CASE("linger: a stop of serve() ends it", "[http][server][linger]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{get("/", "Connection: close\r\n")}, ReceiveUntil{"hello"},
                     Wait{seconds(1)}, StopServer{}, Wait{seconds(60)}}},
        .options = {.linger_max = hours(1)},
    });
    CHECK(played.served);
    CHECK(played.ids() == "S12");
    CHECK(played.outcome().times.ended - played.outcome().times.queued < seconds(2));
}

// --- A client that ends its sending (RFC 9112 9.6) ---

TEST_CASE("half-close: a client that sends no more still gets all its answers",
          "[http][server][rfc9112-9.6]") {
    const Played played = play({
        .handler = answer_late,
        .clients = {{Send{get() + get()}, HalfClose{}, ReceiveRest{}}},
    });
    CHECK(played.answers() == answer("200 OK", "hello\n") + answer("200 OK", "hello\n"));
    CHECK(played.ids() == "S11 S11");
    CHECK(played.clients.front().end == PeerEnd::fin);
}

TEST_CASE("half-close: large answers too", "[http][server][rfc9112-9.6]") {
    const std::string content(2'000'000, 'x');
    const Played played = play({
        .handler = echo,
        .clients = {{SendAndReceive{put(content)}}},
    });
    CHECK(played.outcome().send.body_accepted == content.size());
}

// --- Limits of time ---

TEST_CASE("time limits: each ends its own wait, and `never` ends none", "[http][server][limit]") {
    struct Row {
        std::string_view why;
        std::string octets;
        http::ServerOptions options;
        std::string_view id;
        TimeoutKind timeout;
    };
    http::ServerOptions off;
    off.idle_max = off.head_max = off.content_pause_max = off.stall_max = off.linger_max = never;
    http::ServerOptions idle = off;
    idle.idle_max = seconds(20);
    http::ServerOptions head = off;
    head.head_max = seconds(20);
    http::ServerOptions content = off;
    content.content_pause_max = seconds(20);
    const std::string half = put("0123").substr(0, put("0123").size() - 2);
    const std::vector<Row> rows = {
        {"idle", "", idle, "S0", TimeoutKind::idle},
        {"head", "GET", head, "S2", TimeoutKind::head},
        {"content", half, content, "S4", TimeoutKind::between_bytes},
    };
    for (const Row& row : rows) {
        CAPTURE(row.why);
        const Played played = play({
            .handler = count_octets,
            .clients = {{Send{row.octets}, Wait{seconds(60)}}},
            .options = row.options,
        });
        CHECK(played.ids() == row.id);
        CHECK(played.outcome().cause.timeout == row.timeout);

        const Played without = play({
            .handler = count_octets,
            .clients = {{Send{row.octets}, Wait{hours(5)}, HalfClose{}, ReceiveRest{}}},
            .options = off,
        });
        CHECK(without.outcome().cause.mechanism == Mechanism::fin);
        CHECK(without.outcome().times.ended > hours(5));
    }
}

TEST_CASE("time limits: content may come as slowly as it likes, if it comes",
          "[http][server][limit]") {
    const std::string request = put(std::string(20, 'x'));
    Script script{Send{request.substr(0, request.size() - 20)}};
    for (int count = 0; count < 20; ++count) {
        script.emplace_back(Wait{seconds(9)});
        script.emplace_back(Send{"x"});
    }
    script.emplace_back(ReceiveRest{});
    const Played played = play({
        .handler = count_octets,
        .clients = {script},
        .options = {.content_pause_max = seconds(10)},
    });
    CHECK(played.ids() == "S11");
    CHECK(played.answers() == answer("200 OK", "20"));
}

TEST_CASE("time limits: a head may not, and the whole of it is limited", "[http][server][limit]") {
    Script script;
    for (const char octet : get()) {
        script.emplace_back(Send{std::string(1, octet)});
        script.emplace_back(Wait{seconds(9)});
    }
    script.emplace_back(ReceiveRest{});
    const Played played = play({
        .handler = say_hello,
        .clients = {script},
        .options = {.head_max = seconds(30)},
    });
    CHECK(played.ids() == "S2");
    CHECK(played.outcome().receive.head == 4);
}

TEST_CASE("time limits: a connection is not idle while its response is on its way",
          "[http][server][limit]") {
    const std::string much(1'000'000, 'x');  // More than all the buffers between take.
    const Played played = play({
        .handler = [&](Request& request,
                       Responder& responder) { return refuse(much, request, responder); },
        .clients = {{Send{get()}, ReceiveUntil{"\r\n\r\n"}, Wait{seconds(30)},
                     Receive{much.size() + 80}, Wait{milliseconds(3500)}, Send{get()},
                     ReceiveRest{}}},
        .options = {.idle_max = seconds(4)},
    });
    CHECK(played.ids() == "S11 S11");
}

// Takes ten minutes for each piece of the content.
Task<> consume_slowly(int& pieces, Request& request, Responder& responder) {
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        if (!content) {
            co_return;
        }
        co_await sleep_for(minutes(10));
        ++pieces;
    }
    responder.respond(Status::ok);
}

TEST_CASE("time limits: a connection is never idle while a slow consumer of its content awaits",
          "[http][server][limit]") {
    const std::string upload(1'000'000, 'x');  // More than all the buffers between take.
    int pieces = 0;
    const Played played = play({
        .handler = [&](Request& request,
                       Responder& responder) { return consume_slowly(pieces, request, responder); },
        .clients = {{SendAndReceive{put(upload) + put(upload, "Connection: close\r\n")}}},
        .options = {.idle_max = seconds(4),
                    .head_max = seconds(4),
                    .content_pause_max = seconds(4),
                    .stall_max = seconds(4)},
    });
    CHECK(played.ids() == "S11 S13");
    CHECK(played.outcomes.front().receive.body == upload.size());
    CHECK(pieces >= 2 * 10);  // Of both uploads.
    CHECK(played.outcomes.front().times.ended >= minutes(10) * pieces / 2);
}

// --- Limits of connections ---

TEST_CASE("connections_max: beyond it, connections wait to be accepted", "[http][server][limit]") {
    const Script visit = {Send{get("/", "Connection: close\r\n")}, ReceiveRest{}};
    const Played played = play({
        .handler = answer_late,
        .clients = std::vector<Script>(20, visit),
        .options = {.connections_max = 3},
    });
    CHECK(played.outcomes.size() == 20);
    CHECK(played.connections_most <= 3);
    for (const ClientSaw& saw : played.clients) {
        CHECK(without_dates(saw.octets) == closing(answer("200 OK", "hello\n")));
    }
    CHECK(played.outcomes.back().times.ended - played.outcomes.front().times.ended >= seconds(55));
}

// --- Drain and stop ---

TEST_CASE("drain: open exchanges end with Connection: close, and idle connections at once",
          "[http][server][drain]") {
    const Played played = play({
        .handler = answer_late,
        .clients = {{Send{get() + get()}, ReceiveRest{}},
                    {Wait{seconds(1)}, Drain{seconds(30)}, ReceiveRest{}}},
    });
    CHECK(played.served);
    CHECK(played.ids() == "S0 S13");
    CHECK(without_dates(played.clients.front().octets) == closing(answer("200 OK", "hello\n")));
    CHECK(played.clients.back().octets.empty());
    CHECK(played.clients.back().end == PeerEnd::fin);
    CHECK(played.outcomes.front().times.ended < played.outcomes.back().times.ended);
}

TEST_CASE("drain: a client that keeps its idle connection open does not hold it up",
          "[http][server][drain]") {
    for (const std::string& octets : {std::string(), get()}) {
        const Played played = play({
            .handler = say_hello,
            .clients = {{Send{octets}, Wait{seconds(1)}, Drain{hours(1)}, Wait{seconds(60)}}},
        });
        CHECK(played.served);
        CHECK(played.served_at - played.outcome().times.queued < seconds(2));
    }
}

TEST_CASE("drain: who has only just come is answered, if he asks soon", "[http][server][drain]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Wait{milliseconds(200)}, Drain{hours(1)}, ReceiveRest{}},
                    {Wait{milliseconds(600)}, Send{get()}, ReceiveRest{}}},
    });
    CHECK(played.served);
    CHECK(played.clients.front().octets.empty());
    CHECK(without_dates(played.clients.back().octets) == closing(answer("200 OK", "hello\n")));
}

TEST_CASE("drain: but what such a client has not taken yet is not put at risk",
          "[http][server][drain]") {
    const std::string much(200'000, 'x');
    const Played played = play({
        .handler = [&](Request& request,
                       Responder& responder) { return refuse(much, request, responder); },
        .clients = {{Send{get()}, Wait{seconds(1)}, Drain{hours(1)}, Wait{seconds(1)}, Send{get()},
                     ReceiveRest{}}},
    });
    CHECK(played.answers() == answer("413 Content Too Large", much));
    CHECK(played.clients.front().end == PeerEnd::fin);
}

TEST_CASE("drain: a response that had begun is finished, and nothing follows it",
          "[http][server][drain]") {
    const std::string content(500'000, 'x');
    const std::string request = put(content);
    const Played played = play({
        .handler = echo,
        .clients = {{Send{request.substr(0, 100'000)}, ReceiveUntil{"xxx"}, Drain{hours(1)},
                     SendAndReceive{request.substr(100'000)}}},
    });
    CHECK(played.outcome().send.body_accepted == content.size());
    CHECK(played.clients.front().end == PeerEnd::fin);
}

TEST_CASE("drain: asked again, it becomes less patient, and never more", "[http][server][drain]") {
    const Played played = play({
        .handler = answer_late,
        .clients = {{Send{get()}, Wait{seconds(1)}, Drain{seconds(30)}, Drain{seconds(2)},
                     Drain{hours(1)}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S16");
    const Duration took = played.outcome().times.ended - played.outcome().times.queued;
    CHECK(took >= seconds(3));
    CHECK(took < seconds(4));
}

TEST_CASE("drain: new connections are not served", "[http][server][drain]") {
    const Played played = play({
        .handler = answer_late,
        .clients = {{Send{get()}, Wait{seconds(1)}, Drain{hours(1)}, ReceiveRest{}}},
        .options = {.connections_max = 1},
    });
    CHECK(played.ids() == "S13");
    CHECK(played.served);
}

TEST_CASE("stop: serve() ends once every handler has", "[http][server][drain]") {
    const Played played = play({
        .handler = answer_late,
        .clients = {{Send{get()}, Wait{seconds(1)}, StopServer{}, ReceiveRest{}},
                    {Send{"GET"}, ReceiveRest{}},
                    {ReceiveRest{}}},
    });
    CHECK(played.served);
    std::string ids = played.ids();
    CHECK(played.outcomes.size() == 3);
    CHECK(std::ranges::count(ids, '6') == 2);  // S16, S16, S0
    for (const http::Outcome& outcome : played.outcomes) {
        CHECK(outcome.cause.mechanism == Mechanism::drain);
    }
}

}  // namespace
}  // namespace sluice::tests
