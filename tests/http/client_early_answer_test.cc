// An answer that comes while the last of a request is on its way: it is early only where it left
// content unsent.

#include "sluice/http/client.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/http/scripted_server.h"
#include "sluice/tests/support/simulation.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

namespace sluice::http::tests {
namespace {

using namespace std::chrono_literals;

Task<> write_and_be_answered(Exchange& exchange) {
    const std::string_view content = "abcdef";
    const sluice::Result<void> written =
        co_await exchange.body().write(std::as_bytes(std::span(content)));
    CHECK(written);
    co_await sleep_for(1s);
}

Task<> finish_late(ClientRig& rig) {
    for (int times = 0; times < 2; ++times) {
        Exchange exchange = rig.client().begin(put(rig.url()).length(6));
        co_await write_and_be_answered(exchange);
        const sluice::Result<void> finished = co_await exchange.body().finish();
        CHECK(finished);
        const Outcome outcome = co_await exchange.outcome();
        CHECK(verdict_of(outcome) == Verdict::complete);
        CHECK(outcome.connection.reusable);
    }
    CHECK(rig.seen().size() == 1);
}

Task<> leave_whole_content(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).length(6));
    const sluice::Result<Response> response = co_await exchange.response();  // The head alone.
    CHECK(response);
    co_await write_and_be_answered(exchange);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::complete);
    CHECK(outcome.connection.reusable);
}

TEST_CASE("client: content of which all was written is whole, though its answer overtakes finish()",
          "[http][client]") {
    for (const std::string line : {"HTTP/1.1 201 Created", "HTTP/1.1 507 Insufficient Storage"}) {
        const std::string each = line + "\r\nContent-Length: 0\r\n\r\n";
        with_client({{expect_octets(60), say(each), expect_octets(120), say(each)}}, finish_late);
    }
    with_client({{expect_heads(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
                  expect_octets(60), pause(2s), say("hello")}},
                leave_whole_content);
}

Task<> be_answered_meanwhile(ClientRig& rig, std::size_t octets, int& whole) {
    const std::string content(octets, 'x');
    Exchange exchange = rig.client().begin(put(rig.url()).length(octets));
    std::ignore = co_await exchange.body().write(std::as_bytes(std::span(content)));
    co_await sleep_for(1s);
    const sluice::Result<void> finished = co_await exchange.body().finish();
    const Outcome outcome = co_await exchange.outcome();
    CHECK(outcome.status == Status::not_found);
    const bool is_whole = outcome.send.body_accepted == octets;
    CHECK(verdict_of(outcome) == (is_whole ? Verdict::complete : Verdict::answered_early));
    CHECK(finished.has_value() == is_whole);
    whole += is_whole ? 1 : 0;
}

TEST_CASE("client: an answer is early where it left content unsent, whatever crossed it on its way",
          "[http][client]") {
    const std::string none = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    // What the buffer has no room for leaves at the moment at which the answer can come. Small
    // content is copied, large is not.
    struct Size {
        std::size_t octets;
        std::size_t buffer;
    };
    for (const Size& size : {Size{60, 64}, Size{6000, 3500}}) {
        int whole = 0;
        sluice::tests::for_each_seed(100, [&](std::uint64_t seed) {
            simulation::Options world;
            world.seed = seed;
            world.network.send_buffer_octets = size.buffer;
            with_client(
                {{expect_heads(), say(none)}},
                [&](ClientRig& rig) { return be_answered_meanwhile(rig, size.octets, whole); }, {},
                world);
        });
        CHECK(whole > 0);
    }
}

}  // namespace
}  // namespace sluice::http::tests
