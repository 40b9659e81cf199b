// Every case runs over all splits of its input, so no case says where the reads fell.

#include "sluice/http/message_parser.h"

#include "sluice/tests/catch.h"
#include "sluice/tests/http/parsed_message.h"

#include <string>
#include <string_view>

namespace sluice::tests {
namespace {

using http::Errc;
using http::Framing;
using http::Limits;
using http::Method;
using http::Status;
using http::TargetForm;

TEST_CASE("message parser: a request's parts are those on the wire", "[http][rfc9112-3]") {
    const ParsedMessage message = request_of(
        "PUT /o/film?part=1 HTTP/1.1\r\nHost: store.example:8080\r\nX-Empty:\r\n"
        "x-blanks: \t a b \t\r\nContent-Length: 3\r\n\r\nabcGET");
    CHECK(!message.failure);
    CHECK(message.method == Method::put);
    CHECK(message.method_text == "PUT");
    CHECK(message.target == "/o/film?part=1");
    CHECK(message.target_form == TargetForm::origin);
    CHECK(message.authority == "store.example:8080");
    CHECK(message.version_minor == 1);
    CHECK(message.fields == FieldList{{"Host", "store.example:8080"},
                                      {"X-Empty", ""},
                                      {"x-blanks", "a b"},
                                      {"Content-Length", "3"}});
    CHECK(message.framing == Framing::of_length(3));
    CHECK(message.finished);
    CHECK(message.content == "abc");
    CHECK(message.rest == "GET");
}

TEST_CASE("message parser: a response's parts are those on the wire", "[http][rfc9112-4]") {
    const ParsedMessage message =
        response_of("HTTP/1.1 404 No Such Film\r\nContent-Length: 2\r\n\r\nnoHTTP");
    CHECK(!message.failure);
    CHECK(message.status == Status::not_found);
    CHECK(message.reason == "No Such Film");
    CHECK(message.framing == Framing::of_length(2));
    CHECK(message.content == "no");
    CHECK(message.rest == "HTTP");
}

TEST_CASE("message parser: a reason phrase may be empty, with or without its blank",
          "[http][rfc9112-4]") {
    CHECK(response_of("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").reason.empty());
    CHECK(response_of("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").status == Status::ok);
    CHECK(response_of("HTTP/1.1 299 \xc3\xa4 b\r\nContent-Length: 0\r\n\r\n").reason ==
          "\xc3\xa4 b");
}

TEST_CASE("message parser: one empty line before a request is passed over", "[http][rfc9112-2.2]") {
    const ParsedMessage message = request_of("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest");
    CHECK(!message.failure);
    CHECK(message.target == "/");
    CHECK(message.head_octets == 29);
    CHECK(message.rest == "rest");
}

TEST_CASE("message parser: the four forms of a target are told apart", "[http][rfc9112-3.2]") {
    struct Row {
        std::string_view request_line;
        TargetForm form;
        std::string_view authority;
    };
    const Row rows[] = {
        {"GET /a?b=c%20d HTTP/1.1", TargetForm::origin, "h"},
        {"GET //a HTTP/1.1", TargetForm::origin, "h"},
        {"GET http://b:81/c?d HTTP/1.1", TargetForm::absolute, "b:81"},
        {"GET http://b?d HTTP/1.1", TargetForm::absolute, "b"},
        {"GET https://[::1]:81/ HTTP/1.1", TargetForm::absolute, "[::1]:81"},
        {"CONNECT b:443 HTTP/1.1", TargetForm::authority, "b:443"},
        {"CONNECT [2001:db8::1]:443 HTTP/1.1", TargetForm::authority, "[2001:db8::1]:443"},
        {"OPTIONS * HTTP/1.1", TargetForm::asterisk, "h"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.request_line);
        const ParsedMessage message =
            request_of(std::string(row.request_line) + "\r\nHost: h\r\n\r\n");
        CHECK(!message.failure);
        CHECK(message.target_form == row.form);
        CHECK(message.authority == row.authority);
    }
}

TEST_CASE("message parser: a method that the library has no name for keeps its token",
          "[http][rfc9110-9.1]") {
    const ParsedMessage message = request_of("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(!message.failure);
    CHECK(message.method == Method::other);
    CHECK(message.method_text == "M-SEARCH");
}

TEST_CASE("message parser: persistence follows version and Connection", "[http][rfc9112-9.3]") {
    struct Row {
        std::string_view head;
        bool keep_alive;
    };
    const Row rows[] = {
        {"HTTP/1.1\r\n", true},
        {"HTTP/1.1\r\nConnection: close\r\n", false},
        {"HTTP/1.1\r\nconnection: x, CLOSE\r\n", false},
        {"HTTP/1.1\r\nConnection: x\r\nConnection: close\r\n", false},
        {"HTTP/1.1\r\nConnection: keep-alive, close\r\n", false},
        {"HTTP/1.1\r\nConnection: closed\r\n", true},
        {"HTTP/1.0\r\n", false},
        {"HTTP/1.0\r\nConnection: keep-alive\r\n", true},
        {"HTTP/1.0\r\nConnection: Keep-Alive, close\r\n", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.head);
        const ParsedMessage message =
            request_of("GET / " + std::string(row.head) + "Host: a\r\n\r\n");
        CHECK(!message.failure);
        CHECK(message.keep_alive == row.keep_alive);
    }
}

TEST_CASE("message parser: 100 is expected only of HTTP/1.1 and only before content",
          "[http][rfc9110-10.1.1]") {
    const std::string expect = "Host: a\r\nExpect: 100-Continue\r\n";
    CHECK(request_of("PUT / HTTP/1.1\r\n" + expect + "Content-Length: 1\r\n\r\nx").expect_continue);
    CHECK(request_of("PUT / HTTP/1.1\r\n" + expect + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
              .expect_continue);
    CHECK(
        !request_of("PUT / HTTP/1.0\r\n" + expect + "Content-Length: 1\r\n\r\nx").expect_continue);
    CHECK(!request_of("PUT / HTTP/1.1\r\n" + expect + "Content-Length: 0\r\n\r\n").expect_continue);
    CHECK(!request_of("GET / HTTP/1.1\r\n" + expect + "\r\n").expect_continue);
    CHECK(request_of("PUT / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n").failure ==
          Errc::expectation_failed);
}

TEST_CASE("message parser: an upgrade needs both Upgrade and Connection", "[http][rfc9110-7.8]") {
    CHECK(request_of("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
              .upgrade);
    CHECK(!request_of("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n").upgrade);
    CHECK(!request_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n").upgrade);
    CHECK(!request_of("GET / HTTP/1.0\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
               .upgrade);
    const ParsedMessage switched = response_of(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nother");
    CHECK(switched.upgrade);
    CHECK(switched.framing == Framing::upgrade());
    CHECK(switched.rest == "other");
}

TEST_CASE("message parser: an upgrade is offered with content, which is read first",
          "[http][rfc9110-7.8]") {
    const ParsedMessage message = request_of(
        "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n"
        "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nrest");
    CHECK(message.upgrade);
    CHECK(message.content == "x");
    CHECK(message.rest == "rest");
}

TEST_CASE("message parser: a response ends where its status and its request's method say",
          "[http][rfc9112-6.3]") {
    struct Row {
        std::string_view why;
        Method method;
        std::string_view head;
        Framing framing;
        bool keep_alive;
    };
    const Row rows[] = {
        {"a length", Method::get, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n", Framing::of_length(7),
         true},
        {"chunked", Method::get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n",
         Framing::chunked(), true},
        {"neither", Method::get, "HTTP/1.1 200 OK\r\n", Framing::close(), false},
        {"neither, though it says otherwise", Method::get,
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", Framing::close(), false},
        {"to HEAD", Method::head, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n", Framing::none(),
         true},
        {"to HEAD, chunked", Method::head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
         Framing::none(), true},
        {"204", Method::get, "HTTP/1.1 204 No Content\r\n", Framing::none(), true},
        {"204 with a length", Method::get, "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n",
         Framing::none(), true},
        {"304 with a length", Method::get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n",
         Framing::none(), true},
        {"an interim one", Method::get, "HTTP/1.1 103 Early Hints\r\n", Framing::none(), true},
        {"an interim one to HEAD", Method::head, "HTTP/1.1 100 Continue\r\n", Framing::none(),
         true},
        {"a tunnel", Method::connect, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n",
         Framing::upgrade(), false},
        {"a tunnel refused", Method::connect, "HTTP/1.1 407 No\r\nContent-Length: 7\r\n",
         Framing::of_length(7), true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.why);
        const ParsedMessage message = response_of(std::string(row.head) + "\r\n", row.method);
        CHECK(!message.failure);
        CHECK(message.framing == row.framing);
        CHECK(message.keep_alive == row.keep_alive);
    }
}

TEST_CASE("message parser: chunks join into one content, and trailers stay apart",
          "[http][rfc9112-7.1]") {
    const ParsedMessage message = request_of(
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n00a;one;two=\"; \\\" 2\";three=3\r\n, all worl\r\n1\r\nd\r\n000\r\n"
        "X-Sum: \t abc \r\nX-Empty:\r\n\r\nGET");
    CHECK(!message.failure);
    CHECK(message.finished);
    CHECK(message.content == "hello, all world");
    CHECK(message.trailers == FieldList{{"X-Sum", "abc"}, {"X-Empty", ""}});
    CHECK(message.rest == "GET");
    CHECK(message.fields.size() == 2);
}

TEST_CASE("message parser: input that stops early is unfinished, not an error",
          "[http][rfc9112-8]") {
    const std::string_view whole =
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;e\r\nx\r\n0\r\nT: "
        "u\r\n\r\n";
    for (std::size_t octets = 1; octets < whole.size(); ++octets) {
        const ParsedMessage message = request_of(whole.substr(0, octets));
        CHECK(!message.failure);
        CHECK(!message.finished);
    }
    CHECK(request_of(whole).finished);
}

TEST_CASE("message parser: one object reads messages one after another, whatever came before",
          "[http]") {
    const Limits limits;
    http::MessageParser parser(limits);
    const std::string_view wires[] = {
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /partial HTTP/1.1\r\nHo",
        "GET /x HTTP/1.0\r\n\r\n",
    };
    for (int round = 0; round < 2; ++round) {
        for (const std::string_view wire : wires) {
            parser.begin_request();
            const auto step = parser.feed_head(std::as_bytes(std::span(wire)));
            http::MessageParser fresh(limits);
            fresh.begin_request();
            const auto fresh_step = fresh.feed_head(std::as_bytes(std::span(wire)));
            REQUIRE(step.has_value() == fresh_step.has_value());
            if (step) {
                CHECK(step->complete == fresh_step->complete);
                CHECK(parser.fields().size() == fresh.fields().size());
                CHECK(parser.keep_alive() == fresh.keep_alive());
            } else {
                CHECK(step.error() == fresh_step.error());
            }
        }
    }
}

TEST_CASE("message parser: it is small enough to be lent to each active connection", "[http]") {
    STATIC_REQUIRE(sizeof(http::MessageParser) <= 512);
}

}  // namespace
}  // namespace sluice::tests
