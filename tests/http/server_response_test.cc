// How a server frames its responses, and what it sends before and behind them.

#include "sluice/http/server.h"

#include "sluice/http/status.h"
#include "sluice/tests/http/server_harness.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::Request;
using http::Responder;
using http::Status;
using std::chrono::seconds;

std::string as_old(std::string request) {
    return request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
}

std::string as_head(std::string request) {
    return request.replace(0, 3, "HEAD");
}

// Streams `content`, with `length` as declared, in two writes.
Task<> stream(Status status, std::string_view content, std::optional<std::uint64_t> length,
              Request&, Responder& responder) {
    ByteSink& sink = responder.start(status, length);
    const auto octets = std::as_bytes(std::span(content));
    const std::size_t half = content.size() / 2;
    const Result<void> first = co_await sink.write(octets.first(half));
    CHECK(first);
    const Result<void> second = co_await sink.write(octets.subspan(half));
    CHECK(second);
    const Result<void> finished = co_await sink.finish();
    CHECK(finished);
}

http::Handler streaming(Status status, std::string_view content,
                        std::optional<std::uint64_t> length = std::nullopt) {
    return [=](Request& request, Responder& responder) {
        return stream(status, content, length, request, responder);
    };
}

TEST_CASE("response: without a length it is chunked", "[http][server][rfc9112-7.1]") {
    const Played played = play({
        .handler = streaming(Status::ok, "hello"),
        .clients = {{Send{get() + get()}, ReceiveRest{}}},
    });
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    CHECK(played.answers() == chunked + chunked);
    CHECK(played.ids() == "S11 S11");
    CHECK(played.outcomes.back().send.framing_octets == 15);
    CHECK(played.outcomes.back().send.body_accepted == 5);
}

Task<> stream_with_trailer(Request&, Responder& responder) {
    responder.fields().add("Trailer", "Digest");
    ByteSink& sink = responder.start(Status::ok);
    responder.body().trailers().add("Digest", "42");
    const std::string content = "hello";
    const Result<void> written = co_await sink.write(std::as_bytes(std::span(content)));
    CHECK(written);
    const Result<void> finished = co_await sink.finish();
    CHECK(finished);
}

TEST_CASE("response: trailers stand behind the last chunk, and are not the next one's",
          "[http][server][rfc9112-7.1.2]") {
    int count = 0;
    const Played played = play({
        .handler =
            [&](Request& request, Responder& responder) {
                return ++count == 1 ? stream_with_trailer(request, responder)
                                    : stream(Status::ok, "he", {}, request, responder);
            },
        .clients = {{Send{get() + get()}, ReceiveRest{}}},
    });
    CHECK(played.answers() ==
          "HTTP/1.1 200 OK\r\nTrailer: Digest\r\nTransfer-Encoding: chunked\r\n\r\n"
          "5\r\nhello\r\n0\r\nDigest: 42\r\n\r\n"
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ne\r\n0\r\n\r\n");
}

TEST_CASE("response: a declared length is the content's, also in large writes", "[http][server]") {
    const std::string large(600'001, 'x');
    for (const std::string& content : {std::string("hello"), large, std::string("x")}) {
        const Played played = play({
            .handler = streaming(Status::ok, content, content.size()),
            .clients = {{Send{get() + get("/", "Connection: close\r\n")}, ReceiveRest{}}},
        });
        CHECK(played.answers() == answer("200 OK", content) + closing(answer("200 OK", content)));
        CHECK(played.ids() == "S11 S13");
    }
}

TEST_CASE("response: to HEAD has the length and not the content", "[http][server][rfc9110-9.3.2]") {
    const std::string head_only = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
    for (const http::Handler& handler :
         {http::Handler(say_hello), streaming(Status::ok, "hello\n", 6)}) {
        const Played played = play({
            .handler = handler,
            .clients = {{Send{as_head(get()) + get()}, ReceiveRest{}}},
        });
        CHECK(played.answers() == head_only + answer("200 OK", "hello\n"));
        CHECK(played.ids() == "S11 S11");
        CHECK(played.outcomes.front().send.body_offered == 6);
        CHECK(played.outcomes.front().send.body_accepted == 0);
    }
    const Played chunked = play({
        .handler = streaming(Status::ok, "hello"),
        .clients = {{Send{as_head(get())}, ReceiveRest{}}},
    });
    CHECK(chunked.answers() == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(chunked.ids() == "S11");
}

TEST_CASE("response: 204 and 304 end with their heads", "[http][server][rfc9110-15.3.5]") {
    struct Row {
        Status status;
        std::string head;
    };
    // 304 may name the coding that 200 would have had; 204 may not.
    for (const Row& row :
         {Row{Status::no_content, "HTTP/1.1 204 No Content\r\n\r\n"},
          Row{Status::not_modified,
              "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"}}) {
        const Played played = play({
            .handler = streaming(row.status, "hello"),
            .clients = {{Send{get() + get()}, ReceiveRest{}}},
        });
        CHECK(played.answers() == row.head + row.head);
        CHECK(played.ids() == "S11 S11");
    }
}

TEST_CASE("response: to HTTP/1.0 the connection closes behind it, unless it asks to keep it",
          "[http][server][rfc9112-9.3]") {
    const std::string hello = answer("200 OK", "hello\n");
    const Played closed = play({
        .handler = say_hello,
        .clients = {{Send{as_old(get()) + get()}, ReceiveRest{}}},
    });
    CHECK(closed.answers() == closing(hello));
    CHECK(closed.ids() == "S13");

    std::string kept = hello;
    kept.insert(kept.find("\r\n\r\n") + 2, "Connection: keep-alive\r\n");
    const std::string asking = as_old(get("/", "Connection: keep-alive\r\n"));
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{asking + asking}, ReceiveRest{}}},
    });
    CHECK(played.answers() == kept + kept);
    CHECK(played.ids() == "S11 S11");
}

TEST_CASE("response: to HTTP/1.0 it ends with the connection where no length is known",
          "[http][server][rfc9112-6.3]") {
    const Played played = play({
        .handler = streaming(Status::ok, "hello"),
        .clients = {{Send{as_old(get("/", "Connection: keep-alive\r\n"))}, ReceiveRest{}}},
    });
    CHECK(played.answers() == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
    CHECK(played.clients.front().end == PeerEnd::fin);
    CHECK(played.ids() == "S13");
}

Task<> hint(Request&, Responder& responder) {
    responder.fields().add("Link", "</style.css>; rel=preload");
    responder.interim(Status{103});
    responder.respond(Status::ok, "hello\n");
    co_return;
}

TEST_CASE("response: an interim one goes before it, and to HTTP/1.0 none",
          "[http][server][rfc9110-15.2]") {
    const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    const Played played = play({
        .handler = hint,
        .clients = {{Send{as_head(get()) + get() + as_old(get())}, ReceiveRest{}}},
    });
    CHECK(played.answers() == early + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + early +
                                  answer("200 OK", "hello\n") +
                                  closing(answer("200 OK", "hello\n")));
    CHECK(played.ids() == "S11 S11 S13");
    CHECK(played.outcomes.front().status == Status::ok);
}

Task<> say_date(Request&, Responder& responder) {
    responder.fields().add("Date", "Thu, 01 Jan 1970 00:00:00 GMT");
    responder.fields().add("X", "y");
    responder.respond(Status::ok);
    co_return;
}

TEST_CASE("response: has a Date, its own or the application's", "[http][server][rfc9110-6.6.1]") {
    const Played hello = play({.handler = say_hello, .clients = {{Send{get()}, ReceiveRest{}}}});
    CHECK(hello.clients.front().octets ==
          "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nContent-Length: 6\r\n\r\n"
          "hello\n");
    const Played dated = play({.handler = say_date, .clients = {{Send{get()}, ReceiveRest{}}}});
    CHECK(dated.clients.front().octets ==
          "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX: y\r\n"
          "Content-Length: 0\r\n\r\n");
}

TEST_CASE("response: fields of one are not those of the next", "[http][server]") {
    int count = 0;
    const Played played = play({
        .handler =
            [&](Request& request, Responder& responder) {
                return ++count == 1 ? say_date(request, responder) : say_hello(request, responder);
            },
        .clients = {{Send{get() + get()}, ReceiveRest{}}},
    });
    CHECK(played.answers().ends_with(answer("200 OK", "hello\n")));
    CHECK(played.answers().find("X: y") == played.answers().rfind("X: y"));
}

Task<> close_after(Request&, Responder& responder) {
    responder.close_connection();
    responder.respond(Status::ok, "hello\n");
    co_return;
}

TEST_CASE("response: the handler may ask to close the connection behind it", "[http][server]") {
    const Played played = play({
        .handler = close_after,
        .clients = {{Send{get() + get()}, ReceiveRest{}}},
    });
    CHECK(played.answers() == closing(answer("200 OK", "hello\n")));
    CHECK(played.ids() == "S13");
}

}  // namespace
}  // namespace sluice::tests
