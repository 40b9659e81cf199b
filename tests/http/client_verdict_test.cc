#include "sluice/http/client.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/http/scripted_server.h"

#include <chrono>
#include <string>
#include <vector>

namespace sluice::http::tests {
namespace {

using namespace std::chrono_literals;

struct Case {
    const char* why;
    Script script;
    ClientRequest (*request)(const std::string& url);
    std::string facts;
};

ClientRequest a_get(const std::string& url) {
    return get(url);
}

ClientRequest a_head(const std::string& url) {
    return head(url);
}

ClientRequest a_put(const std::string& url) {
    return put(url).length(6);
}

bool is_whole(const Outcome& outcome) {
    return outcome.receive.phase == ReceivePhase::complete;
}

Task<> drive_case(ClientRig& rig, const Case& each) {
    Exchange exchange = rig.client().begin(each.request(rig.url()));
    if (exchange.so_far().send.declared) {
        const sluice::Result<void> written = co_await write_all(exchange, "abcdef");
        CHECK(written.has_value());
    }
    const sluice::Result<std::string> content = co_await read_all(exchange);
    CHECK(content.has_value() == is_whole(exchange.so_far()));
    const Outcome outcome = co_await exchange.outcome();
    CHECK(facts_of(outcome) == each.facts);
}

std::vector<Case> cases() {
    const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string close_delimited = "HTTP/1.1 200 OK\r\n\r\n";
    const std::string none = " | none none none none | all_accepted 35+0/0+0 of - | ";
    const std::string none_put = " | none none none none | all_accepted 54+6/6+0 of 6 | ";
    const std::string got = " | all_accepted 35+0/0+0 of - | ";
    const std::string put_all = " | all_accepted 54+6/6+0 of 6 | ";
    return {
        {"complete, by length",
         {expect_heads(), say(sized + "hello")},
         a_get,
         "C13 200 no" + none + "complete length 38+5+0 of 5 | 1 reusable"},
        {"complete, chunked with a trailer",
         {expect_heads(), say(chunked + "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nx-a: b\r\n\r\n")},
         a_get,
         "C13 200 no" + none + "complete chunked 47+5+27 of - | 1 reusable"},
        {"complete, without content",
         {expect_heads(), say("HTTP/1.1 204 No Content\r\n\r\n")},
         a_get,
         "C13 204 no" + none + "complete none 27+0+0 of - | 1 reusable"},
        {"complete, to HEAD",
         {expect_heads(), say(sized)},
         a_head,
         "C13 200 no | none none none none | all_accepted 36+0/0+0 of - | "
         "complete none 38+0+0 of - | 1 reusable"},
        {"complete, after 103 and 104",
         {expect_heads(),
          say("HTTP/1.1 103 Early Hints\r\na: b\r\n\r\nHTTP/1.1 104 X\r\n\r\n" + sized + "hello")},
         a_get,
         "C13 200 no" + none + "complete length 90+5+0 of 5 | 1 reusable"},
        {"complete, of a request with content",
         {expect_octets(60), say(sized + "hello")},
         a_put,
         "C13 200 no" + none_put + "complete length 38+5+0 of 5 | 1 reusable"},
        {"complete, and the server closes",
         {expect_heads(), say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")},
         a_get,
         "C13 200 no" + none + "complete length 57+0+0 of 0 | 1"},
        {"complete, and more than was asked for",
         {expect_heads(), say(sized + "hello!")},
         a_get,
         "C13 200 no" + none + "complete length 38+5+0 of 5 | 1"},
        {"ended by the connection's end",
         {expect_heads(), say(close_delimited + "hello"), fin()},
         a_get,
         "C12 200 no" + none + "complete close 19+5+0 of - fin | 1"},
        {"ended by a reset",
         {expect_heads(), say(close_delimited + "hello"), pause(1s), reset()},
         a_get,
         "C11 200 idempotent_only | peer reset body none" + got +
             "body_partial close 19+5+0 of - reset | 1"},
        {"unanswered, FIN",
         {expect_heads(), fin()},
         a_get,
         "C5 0 idempotent_only | peer fin first_byte none" + got + "none none 0+0+0 of - fin | 1"},
        {"unanswered, reset",
         {expect_heads(), reset()},
         a_get,
         "C5 0 idempotent_only | peer reset first_byte none" + got +
             "none none 0+0+0 of - reset | 1"},
        {"head incomplete, FIN",
         {expect_heads(), say("HTTP/1.1 200 OK\r\nConte"), fin()},
         a_get,
         "C9 0 idempotent_only | peer fin head none" + got +
             "head_partial none 22+0+0 of - fin | 1"},
        {"only an interim response, FIN",
         {expect_heads(), say("HTTP/1.1 103 Early Hints\r\n\r\n"), fin()},
         a_get,
         "C9 0 idempotent_only | peer fin first_byte none" + got +
             "interim none 28+0+0 of - fin | 1"},
        {"malformed head",
         {expect_heads(), say("HTTP/1.1 2OO OK\r\n\r\n")},
         a_get,
         "C10 0 no | peer protocol head none" + got + "head_partial none 19+0+0 of - | 1"},
        {"malformed chunk",
         {expect_heads(), say(chunked + "3\r\nhel\r\nzz\r\n")},
         a_get,
         "C10 200 no | peer protocol body none" + got + "body_partial chunked 47+3+3 of - | 1"},
        {"two lengths",
         {expect_heads(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")},
         a_get,
         "C10 0 no | peer protocol head none" + got + "head_partial none 57+0+0 of - | 1"},
        {"a protocol nobody asked for",
         {expect_heads(), say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
                              "Upgrade: x\r\n\r\n")},
         a_get,
         "C10 0 no | peer protocol head none" + got + "head_partial none 69+0+0 of - | 1"},
        {"truncated by length, FIN",
         {expect_heads(), say(sized + "hel"), fin()},
         a_get,
         "C11 200 idempotent_only | peer fin body none" + got +
             "body_partial length 38+3+0 of 5 fin | 1"},
        {"truncated by length, reset",
         {expect_heads(), say(sized + "hel"), pause(1s), reset()},
         a_get,
         "C11 200 idempotent_only | peer reset body none" + got +
             "body_partial length 38+3+0 of 5 reset | 1"},
        {"truncated, and the rest can be asked for",
         {expect_heads(),
          say("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nAccept-Ranges: bytes\r\n"
              "Content-Length: 5\r\n\r\nhel"),
          fin()},
         a_get,
         "C11 200 resume | peer fin body none" + got + "body_partial length 71+3+0 of 5 fin | 1"},
        {"truncated in the chunked coding",
         {expect_heads(), say(chunked + "3\r\nhel\r\n"), fin()},
         a_get,
         "C11 200 idempotent_only | peer fin body none" + got +
             "body_partial chunked 47+3+5 of - fin | 1"},
        {"truncated before the content",
         {expect_heads(), say(sized), fin()},
         a_get,
         "C11 200 idempotent_only | peer fin body none" + got +
             "head_complete length 38+0+0 of 5 fin | 1"},
        {"more announced than is wanted",
         {expect_heads(), say("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nhello")},
         a_get,
         "C10 0 no | peer limit head none" + got + "head_partial none 41+0+0 of - | 1"},
        {"silence",
         {expect_heads(), rest()},
         a_get,
         "C14 0 idempotent_only | peer timeout first_byte first_byte" + got +
             "none none 0+0+0 of - | 1"},
        {"silence in the head",
         {expect_heads(), say("HTTP/1.1 2"), rest()},
         a_get,
         "C14 0 idempotent_only | peer timeout head between_bytes" + got +
             "head_partial none 10+0+0 of - | 1"},
        {"silence in the content",
         {expect_octets(60), say(sized + "hell"), rest()},
         a_put,
         "C14 200 idempotent_only | peer timeout body between_bytes" + put_all +
             "body_partial length 38+4+0 of 5 | 1"},
    };
}

TEST_CASE("client: every ending of an exchange has its verdict and exact counters",
          "[http][client]") {
    for (const Case& each : cases()) {
        CAPTURE(each.why);
        ClientOptions options;
        options.retries_max = 0;
        options.limits.content_octets_max = 1000;
        with_client({each.script}, [&](ClientRig& rig) { return drive_case(rig, each); }, options);
    }
}

// Heads differ there, by the port; so the verdicts alone are compared.
Task<> drive_on_kernel(ClientRig& rig, const Case& each) {
    Exchange exchange = rig.client().begin(each.request(rig.url()));
    if (exchange.so_far().send.declared) {
        const sluice::Result<void> written = co_await write_all(exchange, "abcdef");
        CHECK(written.has_value());
    }
    const sluice::Result<std::string> content = co_await read_all(exchange);
    CHECK(content.has_value() == is_whole(exchange.so_far()));
    const Outcome outcome = co_await exchange.outcome();
    CHECK(facts_of(outcome).substr(0, 4) == each.facts.substr(0, 4));
}

TEST_CASE("client: an exchange ends on the kernel as it does in the simulator", "[http][client]") {
    for (const Case& each : cases()) {
        CAPTURE(each.why);
        ClientOptions options;
        options.retries_max = 0;
        options.limits.content_octets_max = 1000;
        options.first_byte_max = 50ms;
        options.between_bytes_max = 50ms;
        Script script = each.script;
        for (Step& step : script) {
            step.pause = step.pause == 1s ? 10ms : step.pause;
            step.count += step.does == Step::Does::expect_octets ? 6 : 0;  // ":NNNNN" in Host.
        }
        with_client_on_kernel(
            {script}, [&](ClientRig& rig) { return drive_on_kernel(rig, each); }, options);
    }
}

}  // namespace
}  // namespace sluice::http::tests
