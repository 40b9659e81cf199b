#include "sluice/tests/http/server_faults.h"

#include "sluice/http/request.h"
#include "sluice/http/responder.h"
#include "sluice/runtime/await.h"

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace sluice::tests {

namespace {

using http::Request;
using http::Responder;
using http::Status;
using std::chrono::milliseconds;

// Between two events that must not arrive as one.
constexpr Duration moment = milliseconds(20);
constexpr Duration limit = milliseconds(150);

std::span<const std::byte> octets_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

Task<> until_stopped() {
    Event never_set;
    co_await never_set.wait();
}

Task<> answer_when_gone(Request&, Responder& responder) {
    co_await until_stopped();
    responder.respond(Status::ok, "too late\n");
}

Task<> answer_later(Request&, Responder& responder) {
    co_await sleep_for(10 * moment);
    responder.respond(Status::ok, "hello\n");
}

Task<> refuse(Request&, Responder& responder) {
    responder.respond(Status::content_too_large, "no\n");
    co_return;
}

Task<> read_some_then_refuse(Request& request, Responder& responder) {
    const Result<std::span<const std::byte>> content = co_await request.body().read();
    responder.respond(content ? Status::content_too_large : Status::bad_request, "no\n");
}

Task<> half(Request&, Responder& responder) {
    ByteSink& sink = responder.start(Status::ok, 10);
    const Result<void> written = co_await sink.write(octets_of("01234"));
    static_cast<void>(written);
}

Task<> half_then_wait(Request&, Responder& responder) {
    ByteSink& sink = responder.start(Status::ok, 10);
    const Result<void> written = co_await sink.write(octets_of("01234"));
    static_cast<void>(written);
    co_await until_stopped();
    const Result<void> rest = co_await sink.write(octets_of("56789"));
    static_cast<void>(rest);
}

Task<> too_much(Request&, Responder& responder) {
    ByteSink& sink = responder.start(Status::ok, 3);
    const Result<void> written = co_await sink.write(octets_of("01234"));
    static_cast<void>(written);
}

Task<> throw_at_once(Request&, Responder&) {
    throw std::runtime_error("a bug of the application");
    co_return;
}

Task<> throw_in_content(Request&, Responder& responder) {
    ByteSink& sink = responder.start(Status::ok);
    const Result<void> written = co_await sink.write(octets_of("01234"));
    static_cast<void>(written);
    throw std::runtime_error("a bug of the application");
}

Task<> acknowledged(Request&, Responder& responder) {
    responder.respond(Status::ok, "hello\n");
    const http::Outcome outcome = co_await responder.finish(http::DeliveryLevel::acknowledged);
    static_cast<void>(outcome);
}

std::string chunked(std::string_view content) {
    return std::string("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .append(content);
}

using Faults = std::vector<ServerFault>;

// One client, which does this to a server with that handler.
void add(Faults& faults, std::string what, http::Handler handler, Script script,
         const http::ServerOptions& options = {}) {
    // What a peer's TCP has acknowledged at a moment is up to the moment: so no rises.
    faults.push_back({std::move(what),
                      {.handler = std::move(handler),
                       .clients = {std::move(script)},
                       .options = options,
                       .is_lossless = false}});
}

void add_cuts(Faults& faults) {
    const std::string request = put("0123456789");
    const std::size_t head_octets = request.size() - 10;
    for (std::size_t at = 0; at <= request.size(); ++at) {
        const std::string sent = request.substr(0, at);
        const std::string where = " after octet " + std::to_string(at);
        const Script send = at == 0 ? Script{Wait{moment}} : Script{Send{sent}, Wait{moment}};
        Script fin = send;
        fin.insert(fin.end(), {HalfClose{}, ReceiveRest{}});
        add(faults, "FIN" + where, count_octets, fin);
        if (at < request.size()) {
            Script reset = send;
            reset.emplace_back(Reset{});
            add(faults, "reset" + where, count_octets, reset);
            add(faults, "reset at once" + where, count_octets, {Send{sent}, Reset{}});
        }
        if (at < head_octets) {
            // Later it would be answered, and the answer met with a reset, sooner or later.
            add(faults, "close" + where, count_octets, {Send{sent}, Close{}});
        }
    }
    const std::string pieces = chunked("3\r\nabc\r\n4;x=y\r\nabcd\r\n0\r\nA: b\r\n\r\n");
    for (std::size_t at = chunked("").size(); at < pieces.size(); ++at) {
        const std::string where = " after octet " + std::to_string(at);
        const Send send{pieces.substr(0, at)};
        add(faults, "chunked, FIN" + where, echo, {send, HalfClose{}, ReceiveRest{}});
        add(faults, "chunked, reset" + where, count_octets, {send, Wait{moment}, Reset{}});
    }
}

void add_garbage(Faults& faults) {
    http::ServerOptions options;
    options.limits.content_octets_max = 1000;
    options.limits.target_octets_max = 100;
    options.limits.head_octets_max = 500;
    for (const std::string& garbage : {
             std::string("\x16\x03\x01\x02\x00 hello"),
             get("/", "A b: c\r\n"),
             put(std::string(1001, 'x')),
             get("/" + std::string(200, 'x')),
             get("/", "Expect: miracles\r\n"),
             get("/", "A: " + std::string(1000, 'x') + "\r\n"),
             std::string("GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
             chunked("3\r\nabcX"),
             chunked("zz\r\n"),
             chunked("3e9\r\nabc"),
             get() + "nonsense\r\n\r\n",
         }) {
        const std::string what = "garbage: " + garbage.substr(0, 60);
        add(faults, what, count_octets, {Send{garbage}, ReceiveRest{}}, options);
    }
}

void add_silence(Faults& faults) {
    const std::string request = put("0123456789");
    add(faults, "silence", count_octets, {ReceiveRest{}}, {.idle_max = limit});
    add(faults, "silence in the head", count_octets, {Send{"PUT / HT"}, ReceiveRest{}},
        {.head_max = limit});
    add(faults, "silence in the content", count_octets,
        {Send{request.substr(0, request.size() - 3)}, ReceiveRest{}}, {.content_pause_max = limit});
    add(faults, "silence after an exchange", count_octets, {Send{request}, ReceiveRest{}},
        {.idle_max = limit});
    add(faults, "silence instead of unread content", refuse,
        {Send{request.substr(0, request.size() - 3)}, ReceiveRest{}}, {.drain_max = limit});
    add(faults, "silence after Expect", count_octets,
        {Send{put("", "Expect: 100-continue\r\n").replace(43, 1, "9")}, ReceiveRest{}},
        {.content_pause_max = limit});
}

void add_half_closes(Faults& faults) {
    const std::string request = put("0123456789");
    for (const bool is_gone : {false, true}) {
        const std::string what = is_gone ? "FIN, which is going" : "FIN";
        add(faults, what + " while the handler runs", answer_later,
            {Send{get()}, HalfClose{}, ReceiveRest{}}, {.fin_is_gone = is_gone});
        add(faults, what + ", later, while the handler runs", answer_later,
            {Send{get()}, Wait{moment}, HalfClose{}, ReceiveRest{}}, {.fin_is_gone = is_gone});
    }
    add(faults, "two requests and a FIN", count_octets,
        {Send{request + request}, HalfClose{}, ReceiveRest{}});
    add(faults, "a FIN after the answer", count_octets,
        {Send{request}, ReceiveUntil{"10"}, HalfClose{}, ReceiveRest{}});
    add(faults, "a reset after the answer", count_octets,
        {Send{request}, ReceiveUntil{"10"}, Wait{moment}, Reset{}});
    add(faults, "a FIN after an acknowledged answer", acknowledged,
        {Send{get()}, ReceiveUntil{"hello"}, HalfClose{}, ReceiveRest{}});
    faults.back().scene.wants_rises = true;
    add(faults, "HTTP/1.0", count_octets, {Send{"GET / HTTP/1.0\r\n\r\n"}, ReceiveRest{}});
    add(faults, "HTTP/1.0, chunked to the connection's end", echo,
        {Send{"PUT / HTTP/1.0\r\nContent-Length: 5\r\n\r\nabcde"}, ReceiveRest{}});
}

void add_early_answers(Faults& faults) {
    const std::string large = put(std::string(100'000, 'x'));
    for (const http::Handler& handler :
         {http::Handler(refuse), http::Handler(read_some_then_refuse)}) {
        add(faults, "an early 413, and the rest comes", handler,
            {Send{large}, HalfClose{}, ReceiveRest{}});
        add(faults, "an early 413, and the rest comes after it", handler,
            {Send{large.substr(0, 1000)}, ReceiveUntil{"no\n"}, Send{large.substr(1000)},
             HalfClose{}, ReceiveRest{}});
        add(faults, "an early 413, and a FIN", handler,
            {Send{large.substr(0, 1000)}, ReceiveUntil{"no\n"}, HalfClose{}, ReceiveRest{}});
        add(faults, "an early 413, and a reset", handler,
            {Send{large.substr(0, 1000)}, ReceiveUntil{"no\n"}, Wait{moment}, Reset{}});
    }
}

void add_interruptions(Faults& faults) {
    add(faults, "reset while the handler runs", answer_when_gone,
        {Send{get()}, Wait{moment}, Reset{}});
    add(faults, "reset behind a FIN while the handler runs", answer_when_gone,
        {Send{get()}, HalfClose{}, Wait{moment}, Reset{}});
    add(faults, "reset behind a second request", answer_when_gone,
        {Send{get() + get()}, Wait{moment}, Reset{}});
    add(faults, "reset in the response", half_then_wait,
        {Send{get()}, ReceiveUntil{"01234"}, Wait{moment}, Reset{}});
    add(faults, "close in the response", half_then_wait,
        {Send{get() + get()}, ReceiveUntil{"HTTP"}, Wait{moment}, Reset{}});
    add(faults, "content that ends early", half, {Send{get()}, ReceiveRest{}});
    add(faults, "content beyond what was declared", too_much, {Send{get()}, ReceiveRest{}});
    add(faults, "an exception", throw_at_once, {Send{get()}, ReceiveRest{}});
    add(faults, "an exception in the content", throw_in_content, {Send{get()}, ReceiveRest{}});
    add(faults, "an exception in the content of HTTP/1.0", throw_in_content,
        {Send{"GET / HTTP/1.0\r\n\r\n"}, ReceiveRest{}});
    add(faults, "a drain while the handler runs", answer_when_gone,
        {Send{get()}, Wait{moment}, Drain{moment}, ReceiveRest{}});
    add(faults, "a stop while the handler runs", answer_when_gone,
        {Send{get()}, Wait{moment}, StopServer{}, ReceiveRest{}});
}

}  // namespace

std::vector<ServerFault> server_faults() {
    Faults faults;
    add_cuts(faults);
    add_garbage(faults);
    add_silence(faults);
    add_half_closes(faults);
    add_early_answers(faults);
    add_interruptions(faults);
    return faults;
}

}  // namespace sluice::tests
