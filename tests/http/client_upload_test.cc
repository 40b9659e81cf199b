#include "sluice/http/client.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/concurrent.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/generator.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/runtime/rate_limited.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/http/scripted_server.h"
#include "sluice/tests/support/simulation.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::tests {
namespace {

using namespace std::chrono_literals;

const std::string created = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
const std::string too_large =
    "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";

Task<> upload_chunked(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).chunked());
    CHECK(exchange.trailers().add("x-sum", "7"));
    const sluice::Result<void> written = co_await write_all(exchange, "hello, world", 5);
    CHECK(written);
    const Outcome outcome = co_await exchange.outcome();
    // "5\r\n" "\r\n5\r\n" "\r\n2\r\n" "\r\n" "0\r\nx-sum: 7\r\n\r\n"
    CHECK(facts_of(outcome) ==
          "C13 201 no | none none none none | all_accepted 63+12/12+30 of - | "
          "complete length 43+0+0 of 0 | 1 reusable");
    CHECK(rig.seen().front()->octets.ends_with(
        "\r\n\r\n5\r\nhello\r\n5\r\n, wor\r\n2\r\nld\r\n0\r\nx-sum: 7\r\n\r\n"));
}

TEST_CASE("client: content of unknown length is chunked, with trailers", "[http][client]") {
    with_client({{expect_octets(105), say(created)}}, upload_chunked);
}

Task<> upload_and_be_answered_early(ClientRig& rig) {
    const std::string content(150'000, 'x');
    MemorySource source(content, 16 * 1024);
    Exchange exchange = rig.client().begin(put(rig.url()).length(content.size()));
    const sluice::Result<std::uint64_t> sent = co_await forward(source, exchange.body());
    CHECK_FALSE(sent);
    const sluice::Result<std::string> answer = co_await read_all(exchange);
    REQUIRE(answer);
    CHECK(*answer == "no");
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::answered_early);
    CHECK(outcome.status == Status::content_too_large);
    CHECK(outcome.receive.head == too_large.size() - 2);
    CHECK(outcome.receive.body == 2);
    CHECK(outcome.send.body_accepted < content.size());
    CHECK(outcome.send.body_accepted <= outcome.send.body_offered);
    CHECK_FALSE(outcome.connection.reusable);
}

// Buffers that cannot take the whole upload.
simulation::Options with_small_buffers(simulation::Options world) {
    world.network.send_buffer_octets = 32 * 1024;
    world.network.receive_buffer_octets = 32 * 1024;
    return world;
}

simulation::Options small_faulty(std::uint64_t seed) {
    return with_small_buffers(simulation::faulty(seed));
}

TEST_CASE(
    "client: an answer that comes early is read, though the server closes with content unread",
    "[http][client]") {
    sluice::tests::for_each_seed(sluice::tests::seeds_usual, [](std::uint64_t seed) {
        with_client({{expect_octets(1000), say(too_large), close()}}, upload_and_be_answered_early,
                    {}, small_faulty(seed));
    });
}

TEST_CASE("client: an answer that comes early is read, though the server never reads on",
          "[http][client]") {
    sluice::tests::for_each_seed(100, [](std::uint64_t seed) {
        with_client({{expect_octets(1000), say(too_large), rest()}}, upload_and_be_answered_early,
                    {}, small_faulty(seed));
    });
}

Task<> upload_and_be_answered_early_often(ClientRig& rig) {
    for (int round = 0; round < 100; ++round) {
        const std::string content(8'000'000, 'x');
        MemorySource source(content, 256 * 1024);
        Exchange exchange = rig.client().begin(put(rig.url()).length(content.size()));
        const sluice::Result<std::uint64_t> sent = co_await forward(source, exchange.body());
        CHECK_FALSE(sent);
        const sluice::Result<std::string> answer = co_await read_all(exchange);
        CHECK(answer == "no");
        const Outcome outcome = co_await exchange.outcome();
        CHECK(verdict_of(outcome) == Verdict::answered_early);
    }
}

TEST_CASE("client: an answer that comes early is read, on the kernel too", "[http][client]") {
    const std::vector<Script> scripts(100, {expect_octets(100'000), say(too_large), close()});
    with_client_on_kernel(scripts, upload_and_be_answered_early_often);
}

Task<> upload_own_content(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).content(std::string(1'000'000, 'x')));
    const sluice::Result<std::string> answer = co_await read_all(exchange);
    CHECK(answer == "no");
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::answered_early);
    CHECK(outcome.send.stopped);
}

TEST_CASE("client: content held by the request stops as soon as the answer makes it pointless",
          "[http][client]") {
    with_client({{expect_octets(1000), say(too_large), rest()}}, upload_own_content);
}

// Found by a campaign: seed 3.
Task<> upload_own_content_and_blame_nobody(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).content(std::string(1'000'000, 'x')));
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::answered_early);
    CHECK_FALSE(outcome.cause);
}

TEST_CASE("client: who is answered early has cancelled nothing", "[http][client]") {
    with_client({{expect_octets(1000), say(too_large), rest()}},
                upload_own_content_and_blame_nobody);
}

Task<sluice::Result<std::uint64_t>> forward_slowly(std::string content, ByteSink& body) {
    MemorySource source(content);
    RateLimitedSource slowed(source, 100);
    const sluice::Result<std::uint64_t> sent = co_await forward(slowed, body);
    co_return sent;
}

Task<> upload_and_be_stopped(ClientRig& rig) {
    const Context context = co_await this_task();
    Exchange exchange = rig.client().begin(put(rig.url()).length(1000));
    Running<sluice::Result<std::uint64_t>> sending(
        context, forward_slowly(std::string(1000, 'x'), exchange.body()));
    co_await sleep_for(2s);
    sending.request_stop();
    co_await sending.join();
    CHECK(sending.take().error().code == sluice::Errc::cancelled);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::cancelled);
    CHECK(outcome.send.body_accepted < 1000);
}

TEST_CASE("client: an upload that is asked to stop was cancelled, though its source only waited",
          "[http][client]") {
    with_client({{expect_heads(), rest()}}, upload_and_be_stopped);
}

Task<> expect_and_be_refused(ClientRig& rig) {
    const std::string content(100'000, 'x');
    MemorySource source(content, 1000);
    Exchange exchange = rig.client().begin(put(rig.url()).length(content.size()).expect_continue());
    Passage passage;
    const sluice::Result<std::uint64_t> sent = co_await forward(source, exchange.body(), passage);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == sluice::Errc::aborted);
    CHECK(passage.octets == 0);
    CHECK(passage.failed == sluice::Side::sink);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(facts_of(outcome) ==
          "C8 413 no | none none none none | head_sent 81+0/0+0 of 100000 stopped | "
          "complete length 72+2+0 of 2 | 1");
    CHECK(outcome.receive.discarded == 2);
    CHECK(outcome.times.ended - outcome.times.queued < 1s);
}

TEST_CASE("client: a final answer instead of 100 leaves the content untouched", "[http][client]") {
    with_client({{expect_heads(), say(too_large)}}, expect_and_be_refused);
}

Task<> expect_and_go_on(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).length(6).expect_continue());
    const sluice::Result<void> written = co_await write_all(exchange, "abcdef");
    CHECK(written);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::complete);
    CHECK(rig.seen().front()->octets.ends_with("\r\n\r\nabcdef"));
    CHECK(outcome.expect_sent);
    const bool waited = outcome.times.last_byte_out - outcome.times.queued >= 1s;
    CHECK(waited == !outcome.continue_received);
}

TEST_CASE("client: 100 (Continue) lets the content go at once, its absence after a second",
          "[http][client]") {
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    with_client({{expect_heads(), say(go_on), expect_octets(82), say(created)}}, expect_and_go_on);
    with_client({{expect_octets(82), say(created)}}, expect_and_go_on);
}

Task<> write_too_much(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).length(6));
    const sluice::Result<void> written = co_await write_all(exchange, "abcdefg", 5);
    REQUIRE_FALSE(written);
    CHECK(written.error().code == sluice::Errc::limit_exceeded);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::source_failed);
    CHECK(outcome.send.body_offered == 5);
}

Task<> write_too_little(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).length(6));
    const sluice::Result<void> written = co_await write_all(exchange, "abcde");
    REQUIRE_FALSE(written);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::source_failed);
    CHECK(outcome.cause.mechanism == Mechanism::protocol);
}

Task<> write_some(Exchange& exchange) {
    const std::string_view some = "abc";
    const sluice::Result<void> written =
        co_await exchange.body().write(std::as_bytes(std::span(some)));
    CHECK(written);
    co_await yield();
    co_await yield();
}

Task<> abort_the_body(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).chunked());
    co_await write_some(exchange);
    exchange.body().abort();
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::source_failed);
    CHECK(outcome.cause.mechanism == Mechanism::source_error);
}

Task<> leave_the_body(ClientRig& rig) {
    Exchange exchange = rig.client().begin(put(rig.url()).chunked());
    co_await write_some(exchange);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::source_failed);
}

Task<> drop_the_exchange(ClientRig& rig) {
    {
        Exchange exchange = rig.client().begin(put(rig.url()).chunked());
        co_await write_some(exchange);
    }
    co_await sleep_for(1s);
    REQUIRE(rig.ended().size() == 1);
    CHECK(verdict_of(rig.ended().front()) == Verdict::cancelled);
}

Task<> seen_as_reset(ClientRig& rig, Task<> (*drive)(ClientRig&)) {
    co_await drive(rig);
    co_await sleep_for(1s);
    REQUIRE(rig.seen().size() == 1);
    CHECK(rig.seen().front()->reset);
    CHECK_FALSE(rig.seen().front()->fin);
    CHECK(rig.ended().size() == 1);
}

TEST_CASE("client: a body that is not finished as declared never looks finished to the server",
          "[http][client]") {
    for (Task<> (*drive)(ClientRig&) :
         {write_too_much, write_too_little, abort_the_body, leave_the_body, drop_the_exchange}) {
        with_client({{}}, [&](ClientRig& rig) { return seen_as_reset(rig, drive); });
    }
}

Task<> be_interrupted(ClientRig& rig) {
    const std::string content(1'000'000, 'x');
    Exchange exchange = rig.client().begin(put(rig.url()).length(content.size()));
    const sluice::Result<void> written = co_await write_all(exchange, content);
    REQUIRE_FALSE(written);
    const sluice::Result<Response> response = co_await exchange.response();
    CHECK_FALSE(response);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::request_interrupted);
    CHECK(outcome.receive.end != StreamEnd::open);
    CHECK(outcome.send.body_accepted < content.size());
}

TEST_CASE("client: a send that breaks off without an answer is a request interrupted",
          "[http][client]") {
    with_client({{expect_octets(1000), reset()}}, be_interrupted);
    with_client({{expect_octets(1000), close()}}, be_interrupted);
    with_client({{expect_octets(1000), fin()}}, be_interrupted);
}

// Sends much more than a server reads that resets the connection.
Task<> be_reset(ClientRig& rig, std::uint64_t read) {
    const std::string content(20'000'000, 'x');
    Exchange exchange = rig.client().begin(put(rig.url()).length(content.size()));
    const sluice::Result<void> written = co_await write_all(exchange, content);
    REQUIRE_FALSE(written);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::request_interrupted);
    REQUIRE(outcome.send.acknowledged);
    CHECK(*outcome.send.acknowledged >= read);
    CHECK(*outcome.send.acknowledged < outcome.send.wire_accepted());
    CHECK(delivery_of(outcome) == DeliveryLevel::none);
}

TEST_CASE("client: what the server's TCP had of an interrupted request is told", "[http][client]") {
    const std::uint64_t read = 100'000;
    const auto drive = [&](ClientRig& rig) { return be_reset(rig, read); };
    const std::vector<Script> scripts{{expect_octets(read), pause(1s), reset()}};
    with_client(scripts, drive);
    with_client_on_kernel({{expect_octets(read), pause(10ms), reset()}}, drive);
}

Task<> stall(ClientRig& rig) {
    const std::string content(1'000'000, 'x');
    Exchange exchange = rig.client().begin(put(rig.url()).length(content.size()));
    const sluice::Result<void> written = co_await write_all(exchange, content);
    REQUIRE_FALSE(written);
    CHECK(written.error().code == sluice::Errc::timed_out);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::timed_out);
    CHECK(outcome.cause.timeout == TimeoutKind::stall);
    REQUIRE(outcome.send.acknowledged);
    CHECK(*outcome.send.acknowledged >= 1000);
    CHECK(*outcome.send.acknowledged < outcome.send.wire_accepted());
}

TEST_CASE("client: a server that takes nothing any more is given up", "[http][client]") {
    with_client({{expect_octets(1000), rest()}}, stall);
}

Task<> write_all_to(Exchange& exchange, std::string_view content) {
    const sluice::Result<void> written = co_await write_all(exchange, content, 3);
    CHECK(written);
}

Task<> read_while_writing(ClientRig& rig) {
    Exchange exchange = rig.client().begin(post(rig.url()).length(6));
    const sluice::Result<Response> response = co_await exchange.response();  // Before a write.
    REQUIRE(response);
    Scope scope(rig.loop());
    scope.spawn(write_all_to(exchange, "abcdef"));
    const sluice::Result<std::string> answer = co_await read_all(exchange);
    CHECK(answer == "hello");
    co_await scope.join();
    const Outcome outcome = co_await exchange.outcome();
    CHECK(facts_of(outcome) ==
          "C13 200 no | none none none none | all_accepted 55+6/6+0 of 6 | "
          "complete length 38+5+0 of 5 | 1 reusable");
}

TEST_CASE("client: a response may begin before the request ends, and both are whole",
          "[http][client]") {
    with_client({{expect_heads(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
                  expect_octets(61), say("hello")}},
                read_while_writing);
}

constexpr int pieces = 8;
constexpr std::size_t piece_octets = 200'000;
constexpr std::uint64_t head_octets = 60;

Generator<int> number_pieces() {
    for (int number = 0; number < pieces; ++number) {
        co_yield number;
    }
}

Task<sluice::Result<std::string>> make_piece(int) {
    const bool passed = co_await sleep_for(40s);
    if (!passed) {
        co_return failure(sluice::Errc::cancelled, sluice::Phase::wait);
    }
    co_return std::string(piece_octets, 'x');
}

Task<> upload_what_is_being_made(ClientRig& rig) {
    const Context context = co_await this_task();
    const Instant before = rig.loop().now();
    Generator<int> numbers = number_pieces();
    ConcurrentSource made(context, numbers, 4, make_piece);
    Exchange exchange = rig.client().begin(put(rig.url()).length(pieces * piece_octets));
    ByteSink& body = exchange.body();
    for (int number = 0; number < pieces; ++number) {
        const sluice::Result<std::optional<std::string>> piece = co_await made.read();
        REQUIRE(piece);
        const sluice::Result<void> written = co_await body.write(std::as_bytes(std::span(**piece)));
        CHECK(written);
    }
    co_await made.close();
    const sluice::Result<void> finished = co_await body.finish();
    CHECK(finished);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(verdict_of(outcome) == Verdict::complete);
    // The making of the first four, and the taking of all: the others were made meanwhile.
    const Duration took = rig.loop().now() - before;
    CHECK(took >= 40s + 7 * 30s);
    CHECK(took < 40s + 8 * 30s);
}

TEST_CASE("client: content goes on being made while what was made is sent, and nothing is idle",
          "[http][client]") {
    Script slow;
    for (int number = 1; number <= pieces; ++number) {
        slow.push_back(
            expect_octets(head_octets + static_cast<std::uint64_t>(number) * piece_octets));
        if (number < pieces) {
            slow.push_back(pause(30s));
        }
    }
    slow.push_back(say(created));
    const ClientOptions options{.between_bytes_max = 5s, .idle_max = 5s};
    with_client({slow}, upload_what_is_being_made, options, with_small_buffers({}));
}

}  // namespace
}  // namespace sluice::http::tests
