#include "sluice/http/client.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/http/scripted_server.h"
#include "sluice/tests/support/simulation.h"

#include <chrono>
#include <string>
#include <vector>

namespace sluice::http::tests {
namespace {

using namespace std::chrono_literals;

Task<> fetch_whole(ClientRig& rig) {
    const Fetched fetched = co_await rig.client().fetch(get(rig.url("/x")).field("accept", "*/*"));
    CHECK(verdict_of(fetched.outcome) == Verdict::complete);
    CHECK(fetched.status() == Status::ok);
    CHECK(fetched.content == "hello");
    CHECK(fetched.content_is_whole);
    CHECK(fetched.fields.view().find("x-a") == "b");
    CHECK(fetched.trailers.view().find("x-t") == "u");
    REQUIRE(fetched.attempts.size() == 1);
    CHECK(rig.seen().front()->octets ==
          "GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\naccept: */*\r\n\r\n");
}

TEST_CASE("client: fetch() yields a whole response, fields and trailers too", "[http][client]") {
    const std::string response =
        "HTTP/1.1 200 OK\r\nx-a: b\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\nx-t: u\r\n\r\n";
    with_client({{expect_heads(), say(response)}}, fetch_whole);
}

Task<> fetch_too_much(ClientRig& rig) {
    const Fetched fetched = co_await rig.client().fetch(get(rig.url()));
    CHECK(verdict_of(fetched.outcome) == Verdict::sink_failed);
    CHECK(fetched.content.size() <= 4);
    CHECK_FALSE(fetched.content_is_whole);
}

TEST_CASE("client: fetch() takes no more than it may", "[http][client]") {
    ClientOptions options;
    options.fetched_octets_max = 4;
    with_client({{expect_heads(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")}},
                fetch_too_much, options);
    with_client({{expect_heads(),
                  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nhel\r\n"),
                  pause(1s), say("2\r\nlo\r\n"), rest()}},
                fetch_too_much, options);
}

Task<> fetch_without_content(ClientRig& rig) {
    const Fetched fetched = co_await rig.client().fetch(put(rig.url()).length(5));
    CHECK(verdict_of(fetched.outcome) == Verdict::source_failed);
}

TEST_CASE("client: fetch() of a request whose content is missing fails, and does not wait",
          "[http][client]") {
    with_client({{rest()}}, fetch_without_content);
}

Task<> fetch_malformed(ClientRig& rig, Errc code) {
    const Fetched fetched = co_await rig.client().fetch(get(rig.url()));
    CHECK(verdict_of(fetched.outcome) == Verdict::malformed);
    REQUIRE(fetched.message_error);
    CHECK(fetched.message_error->code == code);
}

TEST_CASE("client: a response beyond a limit is malformed, and the limit is named",
          "[http][client]") {
    ClientOptions options;
    options.limits.head_octets_max = 200;
    options.limits.fields_max = 3;
    options.limits.content_octets_max = 10;
    options.interim_responses_max = 1;
    struct Case {
        std::string response;
        Errc code;
        Mechanism mechanism;
    };
    const std::string interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    const std::vector<Case> cases = {
        {"HTTP/1.1 200 OK\r\na: " + std::string(300, 'x'), Errc::head_too_large, Mechanism::limit},
        {"HTTP/1.1 200 OK\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\n\r\n", Errc::fields_too_many,
         Mechanism::limit},
        {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", Errc::content_too_large,
         Mechanism::limit},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello, world", Errc::content_too_large,
         Mechanism::limit},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello, worl",
         Errc::content_too_large, Mechanism::limit},
        {interim + interim, Errc::head_too_large, Mechanism::limit},
    };
    for (const Case& each : cases) {
        CAPTURE(each.response);
        with_client(
            {{expect_heads(), say(each.response), rest()}},
            [&](ClientRig& rig) { return fetch_malformed(rig, each.code); }, options);
    }
}

struct Expected {
    const char* why;
    std::string response;
    bool ends_with_fin;
    std::string facts;
    std::string content;
};

Task<> fetch_and_compare(ClientRig& rig, const Expected& expected) {
    const Fetched fetched = co_await rig.client().fetch(put(rig.url()).content("abcdef"));
    CHECK(facts_of(fetched.outcome) == expected.facts);
    CHECK(fetched.content == expected.content);
    CHECK(rig.ended().size() == 1);
}

TEST_CASE("client: neither segmentation nor order nor delay changes a verdict or a counter",
          "[http][client]") {
    const std::string sent = "all_accepted 54+6/6+0 of 6 | ";
    const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::vector<Expected> cases = {
        {"complete", ok + "hello", false,
         "C13 200 no | none none none none | " + sent + "complete length 38+5+0 of 5 | 1 reusable",
         "hello"},
        {"chunked, after interim responses",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\na: b\r\n\r\n" + chunked +
             "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nx-a: b\r\n\r\n",
         false,
         "C13 200 no | none none none none | " + sent +
             "complete chunked 106+5+27 of - | 1 reusable",
         "hello"},
        {"truncated", chunked + "3\r\nhel\r\n2\r\nl", true,
         "C11 200 idempotent_only | peer fin body none | " + sent +
             "body_partial chunked 47+4+8 of - fin | 1",
         "hell"},
        {"malformed", chunked + "3\r\nhelp\r\n", true,
         "C10 200 no | peer protocol body none | " + sent + "body_partial chunked 47+3+3 of - | 1",
         "hel"},
        {"no head", "HTTP/1.1 200 OK\r\nConten", true,
         "C9 0 idempotent_only | peer fin head none | " + sent +
             "head_partial none 23+0+0 of - fin | 1",
         ""},
        {"nothing", "", true,
         "C5 0 idempotent_only | peer fin first_byte none | " + sent +
             "none none 0+0+0 of - fin | 1",
         ""},
    };
    for (const Expected& each : cases) {
        CAPTURE(each.why);
        Script script{expect_octets(60), say(each.response)};
        if (each.ends_with_fin) {
            script.push_back(fin());
        }
        sluice::tests::for_each_seed(
            sluice::tests::seeds_usual / cases.size(), [&](std::uint64_t seed) {
                with_client(
                    {script}, [&](ClientRig& rig) { return fetch_and_compare(rig, each); }, {},
                    simulation::faulty(seed));
            });
    }
}

}  // namespace
}  // namespace sluice::http::tests
