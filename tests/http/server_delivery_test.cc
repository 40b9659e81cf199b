// What a server's observer is told of exchanges whose response was begun.

#include "sluice/http/server.h"

#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/tests/http/server_harness.h"
#include "sluice/tests/support/simulation.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::Confirmation;
using http::DeliveryLevel;
using http::ExchangePhase;
using http::Mechanism;
using http::Outcome;
using http::Party;
using http::Request;
using http::Responder;
using http::SendPhase;
using http::Status;
using http::StreamEnd;
using http::TimeoutKind;
using http::Verdict;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// A response through the sink, and how it is left.
struct Streamed {
    std::optional<std::uint64_t> length;
    std::string content;
    enum class End : std::uint8_t { finish, abort, leave, fail } end = End::finish;
    Error write_error{};
    Error finish_error{};
};

Task<> stream(Streamed& streamed, Request&, Responder& responder) {
    ByteSink& sink = responder.start(Status::ok, streamed.length);
    const Result<void> written = co_await sink.write(bytes(streamed.content));
    if (!written) {
        streamed.write_error = written.error();
    }
    switch (streamed.end) {
        case Streamed::End::leave: break;
        case Streamed::End::abort: sink.abort(); break;
        case Streamed::End::fail: throw std::runtime_error("a bug of the application");
        case Streamed::End::finish: {
            const Result<void> finished = co_await sink.finish();
            if (!finished) {
                streamed.finish_error = finished.error();
            }
        }
    }
}

http::Handler streaming(Streamed& streamed) {
    return [&](Request& request, Responder& responder) {
        return stream(streamed, request, responder);
    };
}

TEST_CASE("S7: a response that is begun and not finished ends in a reset, and never looks whole",
          "[http][outcome]") {
    const std::string content = "0123456789";
    const std::string large(300'000, 'x');
    for (const std::string& each : {content, large}) {
        for (const auto end : {Streamed::End::abort, Streamed::End::leave, Streamed::End::fail}) {
            for (const bool chunked : {false, true}) {
                CAPTURE(each.size(), static_cast<int>(end), chunked);
                Streamed streamed{std::nullopt, each, end};
                if (!chunked) {
                    streamed.length = each.size();
                }
                const Played played = play({
                    .handler = streaming(streamed),
                    .clients = {{Send{get()}, ReceiveRest{}}},
                });
                CHECK(played.ids() == "S7");
                CHECK(played.clients.front().end == PeerEnd::reset);
                CHECK(played.answers().find("\r\n0\r\n") == std::string::npos);
                CHECK(played.outcome().send.phase < SendPhase::all_accepted);
                CHECK(played.outcome().send.body_offered == each.size());
                CHECK(played.outcome().cause.party == Party::application);
                if (!chunked) {
                    CHECK(played.outcome().send.body_accepted < each.size());
                }
            }
        }
    }
}

TEST_CASE("S7: takes nothing from the answers before it", "[http][outcome]") {
    Streamed streamed{std::nullopt, "0123456789", Streamed::End::leave};
    std::uint32_t count = 0;
    const Played played = play({
        .handler =
            [&](Request& request, Responder& responder) {
                return ++count < 3 ? say_hello(request, responder)
                                   : stream(streamed, request, responder);
            },
        .clients = {{Send{get() + get() + get() + get()}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S11 S11 S7");
    CHECK(played.answers().starts_with(answer("200 OK", "hello\n") + answer("200 OK", "hello\n")));
    CHECK(count == 3);
}

TEST_CASE("S8: less content than was declared is a failure of finish(), and a reset",
          "[http][outcome][rfc9110-8.6]") {
    Streamed streamed{10, "0123"};
    const Played played = play({
        .handler = streaming(streamed),
        .clients = {{Send{get()}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S8");
    CHECK(streamed.finish_error.code == Errc::invalid);
    CHECK(played.clients.front().end == PeerEnd::reset);
    CHECK(played.outcome().send.declared == 10);
    CHECK(played.outcome().send.body_offered == 4);
}

TEST_CASE("S8: more content than was declared is refused, and none of it sent",
          "[http][outcome][rfc9110-8.6]") {
    Streamed streamed{4, "0123456789"};
    const Played played = play({
        .handler = streaming(streamed),
        .clients = {{Send{get()}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S8");
    CHECK(streamed.write_error.code == Errc::invalid);
    CHECK(played.clients.front().end == PeerEnd::reset);
    CHECK(played.answers().find("0123") == std::string::npos);
    CHECK(played.outcome().send.body_accepted == 0);
}

TEST_CASE("S9: a response that the client cut tells how much the kernel had accepted",
          "[http][outcome]") {
    constexpr std::uint64_t cut = 100'000;
    Streamed streamed{2'000'000, std::string(2'000'000, 'x')};
    const Played played = play({
        .handler = streaming(streamed),
        .clients = {{Send{get()}, ReceiveRest{}}},
        .world = {.cuts = {{.direction = simulation::Direction::to_client,
                            .after_octets = cut,
                            .kind = simulation::CutKind::reset}}},
        .is_lossless = false,
    });
    CHECK(played.ids() == "S9");
    CHECK(played.clients.front().octets.size() == cut);
    const Outcome& outcome = played.outcome();
    CHECK(outcome.send.wire_accepted() >= cut);
    CHECK(outcome.send.body_accepted < 2'000'000);
    CHECK(outcome.send.phase == SendPhase::body_partial);
    CHECK(outcome.cause.mechanism == Mechanism::reset);
    CHECK(outcome.cause.party == Party::peer);
    CHECK(streamed.write_error.octets_done == outcome.send.body_accepted);
}

TEST_CASE("S10: a client that takes nothing any more is given up on, after the stall time",
          "[http][outcome]") {
    Streamed streamed{2'000'000, std::string(2'000'000, 'x')};
    const Played played = play({
        .handler = streaming(streamed),
        .clients = {{Send{get()}, Wait{hours(1)}}},
        .options = {.stall_max = seconds(20)},
    });
    CHECK(played.ids() == "S10");
    CHECK(streamed.write_error.code == Errc::timed_out);
    CHECK(played.outcome().cause.timeout == TimeoutKind::stall);
    const Duration took = played.outcome().times.ended - played.outcome().times.queued;
    CHECK(took >= seconds(20));
    CHECK(took <= seconds(31));
}

Task<> say_much(std::string_view content, Request&, Responder& responder) {
    responder.respond(Status::ok, content);
    co_return;
}

TEST_CASE("S10: is found out also when nobody waits for the response", "[http][outcome]") {
    const std::string much(2'000'000, 'x');
    const Played played = play({
        .handler = [&](Request& request,
                       Responder& responder) { return say_much(much, request, responder); },
        .clients = {{Send{get()}, Wait{hours(1)}}},
        .options = {.idle_max = hours(3), .stall_max = seconds(20)},
    });
    CHECK(played.ids() == "S10");
    CHECK(played.outcome().times.ended - played.outcome().times.queued <= seconds(31));
}

TEST_CASE("S10: is not said of a client that reads slowly", "[http][outcome]") {
    Streamed streamed{1'000'000, std::string(1'000'000, 'x')};
    const Played played = play({
        .handler = streaming(streamed),
        .clients = {{Send{get("/", "Connection: close\r\n")}, ReceiveSlowly{seconds(1)}}},
        .options = {.stall_max = seconds(20), .linger_max = hours(2)},
        .world = {.buffer_octets = 2048},
    });
    CHECK(played.ids() == "S13");
    CHECK(played.outcome().send.body_accepted == 1'000'000);
    CHECK(played.outcome().times.ended - played.outcome().times.queued > seconds(300));
}

TEST_CASE("S11: a response that the kernel accepted is sent, and no more is claimed",
          "[http][outcome]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{get()}, Receive{1}, Send{get()}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S11 S11");
    const Outcome& outcome = played.outcomes.back();
    CHECK(outcome.status == Status::ok);
    CHECK(outcome.send.body_offered == 6);
    CHECK(outcome.send.body_accepted == 6);
    CHECK(outcome.send.declared == 6);
    CHECK(outcome.send.head == played.clients.front().octets.size() / 2 - 6);
    CHECK(outcome.receive.head == get().size());
    CHECK(outcome.connection.exchange == 2);
    CHECK(outcome.connection.reusable);
    CHECK(outcome.connection.idle > Duration::zero());
    CHECK_FALSE(outcome.cause);
    CHECK(delivery_of(outcome) == DeliveryLevel::kernel);
}

Task<> finish(std::optional<Outcome>& outcome, std::string_view content, DeliveryLevel level,
              Request&, Responder& responder) {
    responder.respond(Status::ok, content);
    outcome = co_await responder.finish(level);
}

TEST_CASE("S12: finish(acknowledged) yields the outcome once the client's TCP has it all",
          "[http][outcome]") {
    for (const auto level : {DeliveryLevel::kernel, DeliveryLevel::acknowledged}) {
        std::optional<Outcome> outcome;
        const Played played = play({
            .handler =
                [&](Request& request, Responder& responder) {
                    return finish(outcome, "hello\n", level, request, responder);
                },
            .clients = {{Send{get()}, ReceiveRest{}}},
            .world = {.network = {.latency_min = milliseconds(20),
                                  .latency_max = milliseconds(20)}},
        });
        const bool acknowledged = level == DeliveryLevel::acknowledged;
        REQUIRE(outcome);
        CHECK(verdict_of(*outcome) == (acknowledged ? Verdict::acknowledged : Verdict::sent));
        CHECK(delivery_of(*outcome) == level);
        CHECK(played.ids() == (acknowledged ? "S12" : "S11"));
        CHECK(played.outcome().send.acknowledged.has_value() == acknowledged);
    }
}

TEST_CASE("S12: finish(acknowledged) waits for a slow reader, as long as it reads",
          "[http][outcome]") {
    const std::string much(300'000, 'x');
    for (const bool reads : {true, false}) {
        CAPTURE(reads);
        std::optional<Outcome> outcome;
        const Step step = reads ? Step(ReceiveSlowly{seconds(1)}) : Step(Wait{hours(1)});
        const Played played = play({
            .handler =
                [&](Request& request, Responder& responder) {
                    return finish(outcome, much, DeliveryLevel::acknowledged, request, responder);
                },
            .clients = {{Send{get("/", "Connection: close\r\n")}, step}},
            .options = {.stall_max = seconds(20)},
            .world = {.buffer_octets = 2048},
        });
        REQUIRE(outcome);
        CHECK(verdict_of(*outcome) == (reads ? Verdict::acknowledged : Verdict::sent));
        CHECK(played.outcome().send.phase == SendPhase::all_accepted);
    }
}

TEST_CASE("S13: an orderly close after ours confirms the last response", "[http][outcome]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{get("/", "Connection: close\r\n")}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S13");
    CHECK(played.outcome().send.confirmation == Confirmation::orderly_close);
    CHECK(played.outcome().send.acknowledged == played.clients.front().octets.size());
}

TEST_CASE("S13: is not said of a client that had ended its sending before", "[http][outcome]") {
    const std::string request = get("/", "Connection: close\r\n");
    // Also where its FIN lies behind octets that nobody had read by then.
    for (const std::string& octets : {request, request + std::string(200'000, 'x')}) {
        const Played played = play({
            .handler = answer_late,
            .clients = {{Send{octets}, HalfClose{}, ReceiveRest{}}},
        });
        CHECK(played.ids() != "S13");
        CHECK(played.outcome().send.confirmation == Confirmation::none);
        CHECK(played.answers() == closing(answer("200 OK", "hello\n")));
    }
}

TEST_CASE("S13: is not said of it either where our own FIN is acknowledged at once",
          "[http][outcome]") {
    const std::string request = get("/", "Connection: close\r\n");
    for_each_seed(50, [&](std::uint64_t seed) {
        for (const std::string& octets : {request, request + std::string(100'000, 'x')}) {
            const Played played = play({
                .handler = answer_late,
                .clients = {{Send{octets}, HalfClose{}, ReceiveRest{}}},
                .world = {.seed = seed,
                          .network = {.latency_min = Duration::zero(),
                                      .latency_max = Duration::zero()},
                          .buffer_octets = 512},
            });
            CHECK(played.ids() != "S13");
            CHECK(played.outcome().send.confirmation == Confirmation::none);
        }
    });
}

TEST_CASE("S14: a reset after everything was acknowledged is told as both", "[http][outcome]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{get("/", "Connection: close\r\n")}, ReceiveUntil{"hello"},
                     Wait{seconds(1)}, Reset{}}},
    });
    CHECK(played.ids() == "S14");
    CHECK(played.outcome().receive.end == StreamEnd::reset);
    CHECK(played.outcome().cause.phase == ExchangePhase::linger);
}

TEST_CASE("S14: a reset before everything was acknowledged does not make it more than sent",
          "[http][outcome]") {
    const std::string much(200'000, 'x');
    const Played played = play({
        .handler = [&](Request& request,
                       Responder& responder) { return say_much(much, request, responder); },
        .clients = {{Send{get("/", "Connection: close\r\n")}, Wait{seconds(1)}, Reset{}}},
    });
    CHECK(played.ids() == "S11");
    CHECK(played.outcome().receive.end == StreamEnd::reset);
    CHECK(played.outcome().cause.mechanism == Mechanism::reset);
    REQUIRE(played.outcome().send.acknowledged);
    CHECK(*played.outcome().send.acknowledged == 128 * 1024);
}

TEST_CASE("S15: content that the handler did not want is drained, and the connection goes on",
          "[http][outcome]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{put(std::string(1000, 'x')) + get()}, ReceiveRest{}}},
    });
    CHECK(played.ids() == "S15 S11");
    CHECK(played.answers() == answer("200 OK", "hello\n") + answer("200 OK", "hello\n"));
    CHECK(played.outcomes.front().receive.discarded == 1000);
    CHECK(played.outcomes.front().receive.body == 1000);
    CHECK(played.outcomes.front().connection.reusable);
}

TEST_CASE("S15: is also what an answered upload is that never ends", "[http][outcome]") {
    const std::string half = put("0123456789").substr(0, put("0123456789").size() - 6);
    for (const Step& go : {Step(HalfClose{}), Step(Wait{hours(2)}), Step(Reset{})}) {
        const Played played = play({
            .handler = say_hello,
            .clients = {{Send{half}, ReceiveUntil{"hello"}, go}},
        });
        CHECK(played.ids() == "S15");
        CHECK(played.outcome().status == Status::ok);
        CHECK(played.outcome().cause.phase == ExchangePhase::linger);
    }
}

Task<> answer_when_stopped(bool& stopped, bool begin, Request&, Responder& responder) {
    if (begin) {
        ByteSink& sink = responder.start(Status::ok);
        const Result<void> written = co_await sink.write(bytes("hello"));
        CHECK(written);
    }
    const bool passed = co_await sleep_for(hours(2));
    stopped = !passed;
}

TEST_CASE("S16: what is not answered when the drain's patience ends is aborted with a reset",
          "[http][outcome]") {
    for (const bool begin : {false, true}) {
        for (const bool stop : {false, true}) {
            CAPTURE(begin, stop);
            bool stopped = false;
            const Step end = stop ? Step(StopServer{}) : Step(Drain{seconds(5)});
            const Played played = play({
                .handler =
                    [&](Request& request, Responder& responder) {
                        return answer_when_stopped(stopped, begin, request, responder);
                    },
                .clients = {{Send{get()}, Wait{seconds(1)}, end, ReceiveRest{}}},
            });
            CHECK(played.ids() == "S16");
            CHECK(stopped);
            CHECK(played.clients.front().end == PeerEnd::reset);
            CHECK(played.outcome().cause.mechanism == Mechanism::drain);
            CHECK(played.outcome().cause.party == Party::local_resource);
            const Duration took = played.outcome().times.ended - played.outcome().times.queued;
            CHECK(took >= seconds(stop ? 1 : 6));
            CHECK(took < seconds(stop ? 2 : 7));
        }
    }
}

TEST_CASE("S16: is not said of a response that was sent before the patience ended",
          "[http][outcome]") {
    const Played played = play({
        .handler = say_hello,
        .clients = {{Send{get("/", "Connection: close\r\n")}, Wait{seconds(1)}, Drain{seconds(1)},
                     Wait{seconds(3)}}},
    });
    CHECK(played.ids() == "S12");
}

}  // namespace
}  // namespace sluice::tests
