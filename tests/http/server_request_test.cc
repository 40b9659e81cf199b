// How a server takes requests: one after another, however they arrive, and none in two ways.

#include "sluice/http/server.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/tests/http/server_harness.h"
#include "sluice/tests/support/for_each_split.h"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::Request;
using http::Responder;
using http::Status;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string repeated(std::string_view text, int times) {
    std::string all;
    for (int count = 0; count < times; ++count) {
        all.append(text);
    }
    return all;
}

// How often something is sent in the world that wrote `trace`.
std::ptrdiff_t sends_in(std::string_view trace) {
    std::ptrdiff_t count = 0;
    for (std::size_t at = trace.find("submit send"); at != std::string_view::npos;
         at = trace.find("submit send", at + 1)) {
        ++count;
    }
    return count;
}

TEST_CASE("server: pipelined requests are answered in order, and together", "[http][server]") {
    std::string trace;
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{repeated(get(), 16)}, ReceiveRest{}}},
        .world = {.trace = &trace},
    });
    CHECK(played.answers() == repeated(answer("200 OK", "hello\n"), 16));
    CHECK(played.outcomes.size() == 16);
    CHECK(sends_in(trace) == 2);  // The client's, and the server's.
}

struct Turns {
    int running = 0;
    int running_most = 0;
};

// The later the request, the sooner it would be done.
Task<> take_time(Turns& turns, Request& request, Responder& responder) {
    turns.running_most = std::max(turns.running_most, ++turns.running);
    co_await sleep_for(milliseconds(100 - 10 * (request.path().back() - '0')));
    --turns.running;
    responder.respond(Status::ok, request.path());
}

TEST_CASE("server: handlers of one connection take turns, also when they wait", "[http][server]") {
    Turns turns;
    const Played played = play({
        .handler = [&](Request& request,
                       Responder& responder) { return take_time(turns, request, responder); },
        .clients = {{Send{get("/1") + get("/2") + get("/3")}, ReceiveRest{}}},
    });
    CHECK(played.answers() ==
          answer("200 OK", "/1") + answer("200 OK", "/2") + answer("200 OK", "/3"));
    CHECK(turns.running_most == 1);
}

const std::string chunked_upload =
    "PUT /film HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n"
    "5;name=value\r\nhello\r\n6\r\n, you!\r\n0\r\nDigest: 42\r\n\r\n";

// Answers with the request itself.
Task<> mirror(Request& request, Responder& responder) {
    std::string said(request.method_text());
    said.append(" ").append(request.target()).append(" ");
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        if (!content) {
            co_return;
        }
        said.append(reinterpret_cast<const char*>(content->data()), content->size());
    }
    said.append(" ").append(request.body().trailers().find("digest").value_or("-"));
    said.append(" ").append(request.fields().find("host").value_or("-"));
    responder.respond(Status::ok, said);
}

TEST_CASE("server: every split of the requests gets the same answers", "[http][server][split]") {
    const std::string requests =
        put("0123") + get("/a?b", "X: y\r\n") + chunked_upload + "\r\n" + get("/last");
    const std::string expected =
        answer("200 OK", "PUT /film 0123 - a") + answer("200 OK", "GET /a?b  - a") +
        answer("200 OK", "PUT /film hello, you! 42 a") + answer("200 OK", "GET /last  - a");
    for_each_split(std::as_bytes(std::span(requests)), [&](const Pieces& pieces) {
        Script script;
        for (const std::span<const std::byte> piece : pieces) {
            const std::string octets(reinterpret_cast<const char*>(piece.data()), piece.size());
            script.emplace_back(Send{octets});
            script.emplace_back(Wait{milliseconds(2)});
        }
        script.emplace_back(HalfClose{});
        script.emplace_back(ReceiveRest{});
        const Played played = play({.handler = mirror, .clients = {script}});
        CHECK(played.answers() == expected);
        CHECK(played.ids() == "S11 S11 S11 S11");
        CHECK(played.outcomes[2].receive.framing_octets == 38);
        CHECK(played.outcomes[2].receive.body == 11);
    });
}

TEST_CASE("server: content can be sent back as it comes", "[http][server]") {
    const std::string content(1'000'000, 'x');
    const Played played = play({
        .handler = echo,
        .clients = {{SendAndReceive{put(content, "Connection: close\r\n")}}},
    });
    CHECK(played.ids() == "S13");
    CHECK(played.outcome().receive.body == content.size());
    CHECK(played.outcome().send.body_accepted == content.size());
    CHECK(played.clients.front().octets.ends_with("\r\n0\r\n\r\n"));
}

Task<> read_with_little_patience(int& timeouts, Request& request, Responder& responder) {
    std::size_t octets = 0;
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content =
            co_await with_timeout(seconds(1), request.body().read());
        timeouts += content ? 0 : 1;
        octets += content ? content->size() : 0;
        CHECK((content || content.error().code == Errc::timed_out));
    }
    responder.respond(Status::ok, std::to_string(octets));
}

TEST_CASE("server: a handler may stop waiting for content, and read again", "[http][server]") {
    int timeouts = 0;
    const std::string request = put("0123456789");
    const Played played = play({
        .handler =
            [&](Request& asked, Responder& responder) {
                return read_with_little_patience(timeouts, asked, responder);
            },
        .clients = {{Send{request.substr(0, request.size() - 5)}, Wait{milliseconds(2500)},
                     Send{"56789"}, ReceiveRest{}}},
    });
    CHECK(timeouts == 2);
    CHECK(played.ids() == "S11");
    CHECK(played.answers() == answer("200 OK", "10"));
}

TEST_CASE("server: a client that asks and never reads is not answered without end",
          "[http][server][limit]") {
    int handled = 0;
    const Played played = play({
        .handler =
            [&](Request& request, Responder& responder) {
                ++handled;
                return mirror(request, responder);
            },
        .clients = {{Send{repeated(get("/" + std::string(1000, 'x')), 2000)}, Wait{hours(1)}}},
        .world = {.network = {.send_buffer_octets = 32 * 1024, .receive_buffer_octets = 32 * 1024}},
    });
    CHECK(handled < 200);
    CHECK(played.ids().ends_with("S10"));
}

// --- Expect: 100-continue ---

const std::string expecting = "Expect: 100-continue\r\n";
const std::string invitation = "HTTP/1.1 100 Continue\r\n\r\n";

TEST_CASE("server: 100 is sent when the handler first reads, and not before",
          "[http][server][rfc9110-10.1.1]") {
    const std::string request = put("0123", expecting);
    const std::string head = request.substr(0, request.size() - 4);
    const Played played = play({
        .handler = count_octets,
        .clients = {{Send{head}, ReceiveUntil{"\r\n\r\n"}, Send{"0123"}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S11");
    CHECK(played.answers() == invitation + answer("200 OK", "4"));
    CHECK(played.outcome().expect_sent);
}

TEST_CASE("server: 100 is not sent when the handler answers first, and the connection closes",
          "[http][server][rfc9110-10.1.1]") {
    const std::string request = put("0123", expecting);
    const std::string head = request.substr(0, request.size() - 4);
    const std::string last = closing(answer("200 OK", "hello\n"));
    // Whether or not it sends the content all the same, nothing of it is taken for a request.
    for (const std::string& sent : {head, request, head + get()}) {
        const Played played = play({
            .handler = say_hello,
            .clients = {{Send{sent}, ReceiveRest{}}},
        });
        CHECK(played.ids() == "S15");
        CHECK(played.answers() == last);
        CHECK(played.outcome().receive.body == 0);
    }
}

TEST_CASE("server: 100 is not sent once the response has begun", "[http][server][rfc9110-10.1.1]") {
    const std::string request = put("0123", expecting);
    const std::string head = request.substr(0, request.size() - 4);
    const Played played = play({
        .handler = echo,
        .clients = {{Send{head}, Wait{seconds(1)}, Send{"0123"}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S13");
    CHECK(played.answers() ==
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
          "Connection: close\r\n\r\n4\r\n0123\r\n0\r\n\r\n");
}

TEST_CASE("server: Expect without content, and in HTTP/1.0, invites nobody",
          "[http][server][rfc9110-10.1.1]") {
    const Played without = play({
        .handler = count_octets,
        .clients = {{Send{get("/", expecting)}, ReceiveRest{}}},
    });
    CHECK(without.answers() == answer("200 OK", "0"));

    std::string old = put("0123", expecting);
    old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
    const Played played = play({
        .handler = count_octets,
        .clients = {{Send{old}, ReceiveRest{}}},
    });
    CHECK(played.answers() == closing(answer("200 OK", "4")));
}

// --- Requests that could be read in two ways (RFC 9112 11.2); the parser's tests know them all ---

struct Shape {
    std::string_view why;
    std::string request;
};

TEST_CASE("server: of what could be two messages nothing is interpreted but the refusal",
          "[http][server][smuggling][rfc9112-11.2]") {
    const std::string hidden = get("/smuggled");
    const std::string length = std::to_string(hidden.size());
    const std::string put_line = "PUT / HTTP/1.1\r\nHost: a\r\n";
    const std::vector<Shape> shapes = {
        {"length and coding",
         put_line + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"coding and length",
         put_line + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"},
        {"two lengths", put_line + "Content-Length: 0\r\nContent-Length: " + length + "\r\n\r\n"},
        {"a list of lengths", put_line + "Content-Length: 0, " + length + "\r\n\r\n"},
        {"a signed length", put_line + "Content-Length: +0\r\n\r\n"},
        {"a length beyond 64 bits", put_line + "Content-Length: 18446744073709551616\r\n\r\n"},
        {"a bare LF", "GET / HTTP/1.1\nHost: a\n\n"},
        {"a bare CR", "GET / HTTP/1.1\r\nHost: a\r\nA: b\rC: d\r\n\r\n"},
        {"a folded line", put_line + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
        {"a blank before the colon", put_line + "Content-Length : 0\r\n\r\n"},
        {"NUL", put_line + std::string("A: b\0c\r\n\r\n", 10)},
        {"chunked twice", put_line + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
        {"chunked in disguise", put_line + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
        {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
        {"no host", "GET / HTTP/1.1\r\n\r\n"},
    };
    for (const Shape& each : shapes) {
        CAPTURE(each.why);
        int handled = 0;
        const Played played = play({
            .handler =
                [&](Request& request, Responder& responder) {
                    ++handled;
                    return count_octets(request, responder);
                },
            .clients = {{Send{get() + each.request + hidden}, ReceiveRest{}}},
        });
        CHECK(handled == 1);
        CHECK(played.ids() == "S11 S3");
        CHECK(played.clients.front().end == PeerEnd::fin);
        CHECK(played.answers().find("Connection: close") != std::string::npos);
    }
}

TEST_CASE("server: behind a broken chunk nothing is interpreted",
          "[http][server][smuggling][rfc9112-7.1]") {
    const std::vector<Shape> shapes = {
        {"a signed size", "+0\r\n\r\n"},
        {"a size with 0x", "0x0\r\n\r\n"},
        {"a size beyond 64 bits", "10000000000000000\r\n"},
        {"a bare LF behind the size", "0\n\n"},
        {"more than the size said", "1\r\nab\r\n0\r\n\r\n"},
        {"a trailer that frames", "0\r\nContent-Length : 5\r\n\r\n"},
    };
    for (const Shape& each : shapes) {
        CAPTURE(each.why);
        int handled = 0;
        const Played played = play({
            .handler =
                [&](Request& request, Responder& responder) {
                    ++handled;
                    return count_octets(request, responder);
                },
            .clients = {{Send{"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                              each.request + get("/smuggled")},
                         ReceiveRest{}}},
        });
        CHECK(handled == 1);
        CHECK(played.ids() == "S4");
        CHECK(played.answers() == refusal("400 Bad Request"));
    }
}

TEST_CASE("server: nothing is interpreted behind Connection: close",
          "[http][server][rfc9112-9.6]") {
    int handled = 0;
    const Played played = play({
        .handler =
            [&](Request& request, Responder& responder) {
                ++handled;
                return say_hello(request, responder);
            },
        .clients = {{Send{get("/", "Connection: close\r\n") + get()}, ReceiveRest{}}},
    });
    CHECK(handled == 1);
    CHECK(played.answers() == closing(answer("200 OK", "hello\n")));
    CHECK(played.ids() == "S13");
}

// A registry of handlers of any type, behind an ordinary interface whose function is a coroutine.
class Service {
public:
    virtual ~Service() = default;
    virtual Task<> handle(Request& request, Responder& responder) = 0;
};

template <typename F>
concept AnyHandler = requires(F& handler, Request& request, Responder& responder) {
    { handler(request, responder) } -> std::same_as<Task<>>;
};

template <AnyHandler F>
class ServiceOf final : public Service {
public:
    explicit ServiceOf(F handler) : handler_(std::move(handler)) {}

    Task<> handle(Request& request, Responder& responder) override {
        return handler_(request, responder);
    }

private:
    F handler_;
};

class Registry {
public:
    void add(std::string path, std::unique_ptr<Service> service) {
        services_[std::move(path)] = std::move(service);
    }
    template <AnyHandler F>
    void add(std::string path, F handler) {
        add(std::move(path), std::make_unique<ServiceOf<F>>(std::move(handler)));
    }

    Task<> operator()(Request& request, Responder& responder) {
        const auto found = services_.find(request.path());
        return found == services_.end() ? refuse(request, responder)
                                        : found->second->handle(request, responder);
    }

private:
    static Task<> refuse(Request&, Responder& responder) {
        responder.respond(Status::not_found);
        co_return;
    }

    std::map<std::string, std::unique_ptr<Service>, std::less<>> services_;
};

static_assert(std::is_abstract_v<Service>);
static_assert(AnyHandler<Registry> && AnyHandler<http::Handler>);
static_assert(std::constructible_from<http::Handler, std::reference_wrapper<Registry>>);

// Has a state, awaits, and cannot be copied.
class Counter final : public Service {
public:
    explicit Counter(std::unique_ptr<int> requests) : requests_(std::move(requests)) {}

    Task<> handle(Request&, Responder& responder) override {
        co_await sleep_for(seconds(1));
        const std::string requests = std::to_string(++*requests_);
        const http::Outcome outcome = co_await responder.send(Status::ok, requests);
        CHECK(outcome.status == Status::ok);
    }

private:
    std::unique_ptr<int> requests_;
};

TEST_CASE("handler: a registry of any types of them has one virtual function, which is a coroutine",
          "[http][server]") {
    Registry registry;
    registry.add("/hello", say_hello);
    registry.add("/octets", http::Handler(count_octets));
    registry.add("/echo", [kept = std::make_unique<int>()](Request& request, Responder& responder) {
        ++*kept;
        return echo(request, responder);
    });
    registry.add("/counter", std::make_unique<Counter>(std::make_unique<int>(0)));
    const std::string upload = "PUT /octets HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n0123";
    const std::string echoed = "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    const Played played = play({
        .handler = std::ref(registry),
        .clients = {{Send{get("/counter") + get("/hello") + upload + echoed + get("/none") +
                          get("/counter")},
                     ReceiveRest{}}},
    });
    CHECK(played.answers() ==
          answer("200 OK", "1") + answer("200 OK", "hello\n") + answer("200 OK", "4") +
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" +
              answer("404 Not Found", "") + answer("200 OK", "2"));
    CHECK(played.ids() == "S11 S11 S11 S11 S11 S11");
}

}  // namespace
}  // namespace sluice::tests
