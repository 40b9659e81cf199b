#include "sluice/tests/http/client_faults.h"

#include "sluice/http/cause.h"
#include "sluice/http/octets.h"
#include "sluice/http/outcome_json.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace sluice::http::tests {

namespace {

using std::chrono::milliseconds;

constexpr Duration moment = milliseconds(20);
constexpr Duration limit = milliseconds(150);
constexpr Duration whole_limit = milliseconds(400);  // There is much before it.

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
const std::string by_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string until_closed = "HTTP/1.1 200 OK\r\n\r\n";
const std::string too_large =
    "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

using Faults = std::vector<ClientFault>;

ClientOptions without_retries() {
    ClientOptions options;
    options.retries_max = 0;
    return options;
}

ClientOptions impatient() {
    ClientOptions options = without_retries();
    options.first_byte_max = limit;
    options.between_bytes_max = limit;
    return options;
}

const Asked a_put{.method = "PUT", .content = Asked::Content::length, .length = 10};

Asked put_of(std::string_view written) {
    Asked asked = a_put;
    asked.written = written;
    return asked;
}

void add(Faults& faults, std::string what, Script script, Asked asked = {},
         const ClientOptions& options = without_retries()) {
    faults.push_back({std::move(what), {std::move(script)}, std::move(asked), options});
}

// Every octet of a response may be its last.
void add_cuts(Faults& faults) {
    for (const std::string& response :
         {"HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "hello",
          by_chunks + "5;x\r\nhello\r\n0\r\n\r\n", until_closed + "hello"}) {
        // Behind the end of a framed response an end is no part of the exchange.
        const bool is_framed = response.find(until_closed) == std::string::npos;
        for (std::size_t at = 0; at < response.size() + (is_framed ? 0 : 1); ++at) {
            const std::string where = " after octet " + std::to_string(at) + " of " + response;
            Script script{expect_heads()};
            if (at > 0) {
                script.push_back(say(response.substr(0, at)));
            }
            Script ending = script;
            ending.push_back(fin());
            add(faults, "FIN" + where, ending);
            ending.back() = reset();
            add(faults, "reset at once" + where, ending);
            ending.back() = close();
            add(faults, "close" + where, ending);
            ending.back() = pause(moment);
            ending.push_back(reset());
            add(faults, "reset" + where, ending);
        }
    }
}

void add_cut_requests(Faults& faults) {
    const std::string head =
        "PUT / HTTP/1.1\r\nHost: 127.0.0.1:12345\r\nContent-Length: 10\r\n\r\n";
    for (const std::size_t written : {0U, 1U, 5U, 9U}) {
        const std::string content = std::string("0123456789").substr(0, written);
        const std::string where = " after octet " + std::to_string(written) + " of the content";
        const Step come = expect_octets(head.size() + written);
        const Asked asked = put_of(content);
        add(faults, "FIN" + where, {come, fin()}, asked);
        add(faults, "reset" + where, {come, reset()}, asked);
        add(faults, "413 and FIN" + where, {come, say(too_large), fin()}, asked);
        add(faults, "413 and reset" + where, {come, say(too_large), pause(moment), reset()}, asked);
        add(faults, "413, kept open" + where, {come, say(too_large)}, asked);
        add(faults, "half a 413 and FIN" + where, {come, say(too_large.substr(0, 20)), fin()},
            asked);
        add(faults, "200" + where, {come, say(ok + "hello")}, asked);
        Asked limited = asked;
        limited.limit =
            whole_limit;  // Nothing else ends what the application itself left unfinished.
        add(faults, "silence" + where, {come, rest()}, limited);
    }
    constexpr std::size_t chunked_head_octets = 69;
    Asked pieces = put_of("01234");
    pieces.content = Asked::Content::chunked;
    add(faults, "413 in a chunked request",
        {expect_octets(chunked_head_octets + 8), say(too_large), fin()}, pieces);
    const Asked whole = put_of("0123456789");
    const Step all = expect_octets(head.size() + 10);
    add(faults, "silence after the request", {all, rest()}, whole, impatient());
    add(faults, "FIN after the request", {all, fin()}, whole);
    add(faults, "reset after the request", {all, reset()}, whole);
    add(faults, "413 after the request", {all, say(too_large), fin()}, whole);
    Asked expecting = whole;
    expecting.expects_continue = true;
    add(faults, "417 instead of 100",
        {expect_heads(), say("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")}, expecting);
    add(faults, "FIN instead of 100", {expect_heads(), fin()}, expecting);
    add(faults, "reset after 100", {expect_heads(), say("HTTP/1.1 100 Continue\r\n\r\n"), reset()},
        [&] {
            Asked unwritten = expecting;
            unwritten.written.clear();
            return unwritten;
        }());
}

void add_garbage(Faults& faults) {
    ClientOptions options = without_retries();
    options.limits.head_octets_max = 500;
    options.interim_responses_max = 2;
    const std::string hint = "HTTP/1.1 103 Early Hints\r\n\r\n";
    for (const std::string& garbage : {
             std::string("SSH-2.0-OpenSSH_9.2\r\n"),
             std::string("HTTP/1.1 2OO OK\r\n\r\n"),
             std::string("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
             "HTTP/1.1 200 OK\r\nA: " + std::string(1000, 'x') + "\r\n\r\n",
             by_chunks + "3\r\nhel\r\nzz\r\n",
             by_chunks + "3\r\nhelX",
             hint + hint + hint + ok + "hello",
             ok + "hello!",
             ok + "hello" + ok + "hello",
         }) {
        add(faults, "garbage: " + garbage.substr(0, 60), {expect_heads(), say(garbage)}, {},
            options);
    }
}

void add_silence(Faults& faults) {
    const ClientOptions options = impatient();
    add(faults, "silence", {expect_heads(), rest()}, {}, options);
    add(faults, "silence in the head", {expect_heads(), say("HTTP/1.1 2"), rest()}, {}, options);
    add(faults, "silence after an interim response",
        {expect_heads(), say("HTTP/1.1 103 Early Hints\r\n\r\n"), rest()}, {}, options);
    add(faults, "silence in the content", {expect_heads(), say(ok + "hell"), rest()}, {}, options);
    add(faults, "the caller's limit", {expect_heads(), say(ok + "hell"), rest()},
        {.limit = whole_limit});
    add(faults, "abandoned", {expect_heads(), say(ok + "hell"), rest()}, {.is_abandoned = true});
    add(faults, "unread", {expect_heads(), say(ok + "hello")}, {.is_read = false});
}

void add_connections(Faults& faults) {
    const std::string first = ok + "hello";
    const Script next_fin{expect_heads(1), say(first), expect_heads(2), fin()};
    const Script next_reset{expect_heads(1), say(first), expect_heads(2), reset()};
    const Script next_closed{expect_heads(1), say(first), pause(moment), close()};
    const Script answers{expect_heads(1), say(first)};
    ClientOptions once = without_retries();
    add(faults, "FIN for the second request", next_fin, {.times = 2}, once);
    add(faults, "reset for the second request", next_reset, {.times = 2}, once);
    for (const Script& script : {next_fin, next_reset}) {
        faults.push_back({"a stale connection, and a retry", {script, answers}, {.times = 2}});
        Asked kept{.method = "POST", .content = Asked::Content::kept, .written = "0123456789"};
        kept.times = 2;
        faults.push_back({"a stale connection, and no retry", {script, answers}, kept});
    }
    faults.push_back(
        {"garbage between exchanges",
         {{expect_heads(1), say(first + "HTTP/1.1 408 Request Timeout\r\n\r\n")}, answers},
         {.times = 2}});
    faults.push_back({"closed by the server",
                      {{expect_heads(1),
                        say("HTTP/1.1 200 OK\r\nConnection: close\r\n"
                            "Content-Length: 5\r\n\r\nhello"),
                        fin()},
                       answers},
                      {.times = 2}});
    faults.push_back({"refused", {}, {.is_refused = true}, once});
    faults.push_back({"no URL", {}, {.url = "http://"}, once});
    faults.push_back({"https without TLS", {}, {.url = "https://127.0.0.1/"}, once});
}

// Where somebody listened until a moment ago.
Task<std::string> deserted_url(ClientRig& rig) {
    Backend& backend = rig.loop().backend();
    const int listener = backend.listen(Endpoint::loopback(0), {}).value();
    const std::string url = "http://" + backend.local_endpoint(listener).text() + "/";
    backend.close(listener);
    co_await sleep_for(moment);
    co_return url;
}

ClientRequest request_of(const std::string& url, const Asked& asked) {
    ClientRequest made = request(asked.method, url);
    switch (asked.content) {
        case Asked::Content::none: break;
        case Asked::Content::length: made.length(asked.length); break;
        case Asked::Content::chunked: made.chunked(); break;
        case Asked::Content::kept: made.content(asked.written); break;
    }
    if (asked.expects_continue) {
        made.expect_continue();
    }
    if (asked.limit) {
        made.total_max(*asked.limit);
    }
    return made;
}

std::string text_of(const sluice::Error& error) {
    return describe(error) + " after " + std::to_string(error.octets_done);
}

Task<> write(Exchange& exchange, const Asked& asked, std::string& record) {
    const bool is_whole = asked.written.size() == asked.length;
    const std::span<const std::byte> octets = std::as_bytes(std::span(asked.written));
    sluice::Result<void> written = co_await exchange.body().write(octets);
    if (written && is_whole) {
        written = co_await exchange.body().finish();
    }
    record += written ? "written\n" : "not written: " + text_of(written.error()) + "\n";
}

Task<> ask_once(ClientRig& rig, const Asked& asked, std::string& record) {
    std::string url = asked.url.value_or(rig.url());
    if (asked.is_refused) {
        url = co_await deserted_url(rig);
    }
    Exchange exchange = rig.client().begin(request_of(url, asked));
    if (!asked.written.empty() && asked.content != Asked::Content::kept) {
        co_await write(exchange, asked, record);
    }
    if (asked.is_abandoned) {
        const sluice::Result<Response> response = co_await exchange.response();
        record += response ? "abandoned\n" : "no response\n";
        exchange.abort();
    } else if (asked.is_read) {
        const sluice::Result<std::string> content = co_await read_all(exchange);
        record += content ? "read " + *content + "\n" : text_of(content.error()) + "\n";
    }
    const Outcome outcome = co_await exchange.outcome();
    record += "after " + std::to_string(exchange.attempts().size()) + ": " + timeless(outcome);
}

// That a request was sent may be known after what it led to, on the simulator; not after a while.
void pause_before_answers(Script& script) {
    Script paused;
    for (Step& step : script) {
        const bool waits =
            step.does == Step::Does::expect_heads || step.does == Step::Does::expect_octets;
        paused.push_back(std::move(step));
        if (waits) {
            paused.push_back(pause(moment));
        }
    }
    script = std::move(paused);
}

}  // namespace

std::vector<ClientFault> client_faults() {
    Faults faults;
    add_cuts(faults);
    add_cut_requests(faults);
    add_garbage(faults);
    add_silence(faults);
    add_connections(faults);
    for (ClientFault& fault : faults) {
        std::ranges::for_each(fault.scripts, pause_before_answers);
    }
    return faults;
}

std::string timeless(const Outcome& outcome) {
    Outcome still = outcome;
    still.connection.idle = Duration::zero();
    Times& times = still.times;
    for (Instant* const time :
         {&times.queued, &times.resolved, &times.connected, &times.secured, &times.first_byte_out,
          &times.last_byte_out, &times.first_byte_in, &times.last_byte_in, &times.ended}) {
        *time = *time == never ? never : Instant();
    }
    if (still.side == Side::client && still.receive.end == StreamEnd::reset) {
        still.send.acknowledged.reset();  // Of an acknowledgement and a reset either comes first.
    }
    std::string record = to_json(still);
    record += "\n" + facts_of(outcome) + " | errno " + std::to_string(outcome.cause.os_errno);
    for (std::size_t index = 0; index < outcome.note_count; ++index) {
        const Cause& note = outcome.notes[index];
        record.append(" | then ").append(name(note.party)).append(" ");
        record.append(name(note.mechanism)).append(" ").append(name(note.phase));
        record.append(" ").append(std::to_string(note.os_errno));
    }
    return record + "\n";
}

Task<> ask(ClientRig& rig, const Asked& asked, std::string& record) {
    for (int time = 0; time < asked.times; ++time) {
        co_await ask_once(rig, asked, record);
    }
    record += "told " + std::to_string(rig.ended().size()) + "\n";
}

}  // namespace sluice::http::tests
