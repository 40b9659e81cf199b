#include "sluice/runtime/combine.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/task_dump.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/simulation.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

Task<Result<int>> answer_after(Duration duration, int answer) {
    const bool passed = co_await sleep_for(duration);
    if (!passed) {
        co_return failure(Errc::cancelled, Phase::wait, static_cast<std::uint64_t>(answer));
    }
    co_return answer;
}

Task<Result<int>> fail_after(Duration duration) {
    co_await sleep_for(duration);
    co_return failure(Errc::input_output, Phase::read);
}

Task<std::unique_ptr<int>> only_movable_after(Duration duration) {
    co_await sleep_for(duration);
    co_return std::make_unique<int>(7);
}

Task<int> throw_after(Duration duration) {
    co_await sleep_for(duration);
    throw std::runtime_error("mine");
}

Task<int> count_when_done(Duration duration, int& ended) {
    co_await sleep_for(duration);
    ++ended;
    co_return ended;
}

Task<> all_of_them(World& world) {
    const Instant before = world.loop.now();
    Task<std::tuple<Result<int>, std::unique_ptr<int>>> both =
        when_all(answer_after(30ms, 1), only_movable_after(20ms));
    const auto [answer, movable] = co_await both;
    CHECK(answer == 1);
    CHECK(*movable == 7);
    CHECK(world.loop.now() - before >= 30ms);
    CHECK(world.loop.now() - before < 35ms);
}

TEST_CASE("when_all: the tasks run at once, and yield all results in their order",
          "[runtime][combine]") {
    run({}, all_of_them);
}

Task<> all_but_one_fails(World& world) {
    const Instant before = world.loop.now();
    Task<std::tuple<Result<int>, Result<int>, Result<int>>> all =
        when_all(answer_after(1h, 1), fail_after(10ms), answer_after(5ms, 3));
    const auto [stopped, error, earlier] = co_await all;
    CHECK(stopped.error().code == Errc::cancelled);
    CHECK(error.error().code == Errc::input_output);
    CHECK(earlier == 3);
    CHECK(world.loop.now() - before < 1s);
}

TEST_CASE("when_all: the first error stops the others, whose answers are kept",
          "[runtime][combine]") {
    run({}, all_but_one_fails);
}

Task<> one_throws(World&, int& ended) {
    Task<std::tuple<int, int>> both = when_all(throw_after(10ms), count_when_done(50ms, ended));
    co_await both;
}

TEST_CASE("when_all: an exception leaves once every task has ended", "[runtime][combine]") {
    int ended = 0;
    CHECK_THROWS_AS(run({}, [&](World& world) { return one_throws(world, ended); }),
                    std::runtime_error);
    CHECK(ended == 1);
}

Task<> first_of_them(World& world) {
    const Instant before = world.loop.now();
    Task<First<Result<int>, Result<int>>> race =
        when_any(answer_after(1h, 1), answer_after(10ms, 2));
    const First<Result<int>, Result<int>> first = co_await race;
    CHECK(first.index == 1);
    CHECK(std::get<1>(first.results) == 2);
    CHECK(std::get<0>(first.results).error().code == Errc::cancelled);
    CHECK(std::get<0>(first.results).error().octets_done == 1);
    CHECK(world.loop.now() - before < 1s);
}

TEST_CASE("when_any: the loser is stopped and awaited, and its answer kept", "[runtime][combine]") {
    run({}, first_of_them);
}

Task<> one_of_them_throws(World& world, Instant& ended) {
    Task<First<int, Result<int>>> race = when_any(throw_after(10ms), answer_after(1h, 1));
    try {
        co_await race;
    } catch (...) {
        ended = world.loop.now();
        throw;
    }
}

TEST_CASE("when_any: a task that throws has ended too, and the others need not be waited out",
          "[runtime][combine]") {
    Instant ended{};
    CHECK_THROWS_AS(run({}, [&](World& world) { return one_of_them_throws(world, ended); }),
                    std::runtime_error);
    CHECK(ended < 1min);
}

Task<> within_the_limit(World&) {
    const Result<int> in_time = co_await with_timeout(1s, answer_after(10ms, 1));
    CHECK(in_time == 1);
    const Result<int> error = co_await with_timeout(1s, fail_after(10ms));
    CHECK(error.error().code == Errc::input_output);
}

TEST_CASE("with_timeout: what ends in time is what it is", "[runtime][combine]") {
    run({}, within_the_limit);
}

Task<> past_the_limit(World& world) {
    const Instant before = world.loop.now();
    const Result<int> late = co_await with_timeout(1s, answer_after(1h, 7));
    CHECK(late.error().code == Errc::timed_out);
    CHECK(late.error().octets_done == 7);  // What had been done is not lost.
    CHECK(world.loop.now() - before >= 1s);
    CHECK(world.loop.now() - before < 1s + 5ms);
}

TEST_CASE("with_timeout: a task that had to be stopped timed out, with its progress",
          "[runtime][combine]") {
    run({}, past_the_limit);
}

Task<Result<int>> finish_all_the_same(Duration duration) {
    co_await shielded(sleep_for(duration));
    co_return 5;
}

Task<> ends_late_but_well(World&) {
    const Result<int> result = co_await with_timeout(1s, finish_all_the_same(2s));
    CHECK(result == 5);
}

TEST_CASE("with_timeout: a result that comes in spite of the stop is the result",
          "[runtime][combine][trap-18]") {
    run({}, ends_late_but_well);
}

// One octet arrives at just about the deadline of whoever waits for it.
class Receiving final : public Operation {
public:
    Receiving(Loop& loop, int fd, Event& ended) noexcept
        : Operation(Receive{fd}), loop_(loop), ended_(ended) {
        loop_.submit(*this);
    }
    void complete(Completion completion) noexcept override {
        octets += completion.received.size();
        if (!completion.more) {
            ended_.set();
        } else {
            loop_.cancel(*this);
        }
    }
    void cancel() noexcept { loop_.cancel(*this); }
    std::size_t octets = 0;

private:
    Loop& loop_;
    Event& ended_;
};

Task<Result<int>> receive_some(Loop& loop, int fd) {
    Event ended;
    Receiving receiving(loop, fd, ended);
    const bool happened = co_await ended.wait();
    if (!happened) {
        receiving.cancel();
        co_await ended.wait_regardless();
    }
    if (receiving.octets == 0) {
        co_return failure(Errc::cancelled, Phase::receive);
    }
    co_return static_cast<int>(receiving.octets);
}

// One connection.
class Accepting final : public Operation {
public:
    Accepting(Loop& loop, int listener, Event& ended) noexcept
        : Operation(Accept{listener}), loop_(loop), ended_(ended) {
        loop_.submit(*this);
    }
    void complete(Completion completion) noexcept override {
        accepted = completion.result >= 0 ? completion.result : accepted;
        if (!completion.more) {
            ended_.set();
        } else {
            loop_.cancel(*this);
        }
    }
    int accepted = -1;

private:
    Loop& loop_;
    Event& ended_;
};

struct Tally {
    int received = 0;
    int timed_out = 0;
};

Task<> receive_at_the_deadline(World& world, Tally& tally) {
    Backend& backend = world.backend;
    const int listener = backend.listen(Endpoint::loopback(0), {}).value();
    const Endpoint to = backend.local_endpoint(listener);
    const int client = backend.open_socket(AF_INET).value();
    Perform connecting(Connect{client, &to});
    const std::int32_t connected = co_await connecting;
    REQUIRE(connected == 0);
    Event ended;
    Accepting accepting(world.loop, listener, ended);
    co_await ended.wait();
    REQUIRE(accepting.accepted >= 0);

    // It travels for one to six milliseconds; the limit is two after it was sent.
    std::byte octet{};
    const iovec part{&octet, 1};
    Perform sending(Send{client, {&part, 1}});
    const std::int32_t sent = co_await sending;
    REQUIRE(sent == 1);
    const Result<int> result =
        co_await with_timeout(2ms, receive_some(world.loop, accepting.accepted));
    if (result) {
        CHECK(*result == 1);
        ++tally.received;
    } else {
        CHECK(result.error().code == Errc::timed_out);
        ++tally.timed_out;
        const Result<int> later = co_await receive_some(world.loop, accepting.accepted);
        CHECK(later == 1);  // It was not lost either.
        CHECK(world.backend.buffers_lent() == 0);
    }
    backend.close(accepting.accepted);
    backend.close(client);
    backend.close(listener);
}

TEST_CASE("with_timeout: an octet that arrives at the deadline is received now or later, not lost",
          "[runtime][combine][trap-17][trap-18]") {
    Tally tally;
    for_each_seed(seeds_usual, [&](std::uint64_t seed) {
        simulation::Options options{.seed = seed};
        options.network.latency_min = 1ms;
        options.network.latency_max = 6ms;
        run(options, [&](World& world) { return receive_at_the_deadline(world, tally); });
    });
    CHECK(tally.received > 50);
    CHECK(tally.timed_out > 50);
}

Task<Result<int>> limited_twice(Duration outer, Duration inner) {
    Result<int> result = co_await with_timeout(outer, with_timeout(inner, answer_after(1h, 1)));
    co_return result;
}

Task<> nested_limits(World& world) {
    const Instant before = world.loop.now();
    const Result<int> inner = co_await limited_twice(2s, 1s);
    CHECK(inner.error().code == Errc::timed_out);
    CHECK(world.loop.now() - before < 1s + 5ms);
    const Result<int> outer = co_await limited_twice(1s, 2s);
    CHECK(outer.error().code == Errc::timed_out);
    CHECK(world.loop.now() - before < 2s + 10ms);
}

TEST_CASE("with_timeout: of two limits the shorter one holds", "[runtime][combine]") {
    run({}, nested_limits);
}

Task<> limit_stopped_from_above(World&) {
    Task<First<Result<int>, Result<int>>> race =
        when_any(with_timeout(1h, answer_after(2h, 1)), answer_after(10ms, 2));
    const First<Result<int>, Result<int>> first = co_await race;
    CHECK(std::get<0>(first.results).error().code == Errc::cancelled);  // Not timed_out.
}

TEST_CASE("with_timeout: a stop from above is a cancel, and no time-out", "[runtime][combine]") {
    run({}, limit_stopped_from_above);
}

Task<> shielded_under_stop(World& world, Instant& ended) {
    co_await shielded(sleep_for(2s));
    ended = world.loop.now();
}

Task<> stop_a_shielded(World& world) {
    const Instant before = world.loop.now();
    Instant ended{};
    Scope scope(world.loop);
    scope.spawn(shielded_under_stop(world, ended));
    co_await sleep_for(1s);
    scope.request_stop();
    co_await scope.join();
    CHECK(ended - before >= 2s);
}

TEST_CASE("shielded: a stop does not reach what must happen all the same", "[runtime][combine]") {
    run({}, stop_a_shielded);
}

std::ptrdiff_t tasks_alive(World& world) {
    return std::ranges::count(task_dump(world.loop), '\n');
}

Task<Result<int>> count_alive_after(World& world, Duration duration, std::ptrdiff_t& most) {
    co_await sleep_for(duration);
    most = std::max(most, tasks_alive(world));
    co_return 1;
}

Task<> leave_none_alive(World& world) {
    const std::ptrdiff_t before = tasks_alive(world);
    const auto expect_none = [&] { CHECK(tasks_alive(world) == before); };
    std::ptrdiff_t most = 0;
    auto race =
        when_any(answer_after(1h, 1), count_alive_after(world, 1ms, most), finish_all_the_same(2s));
    co_await race;
    expect_none();
    CHECK(most >= before + 3);
    auto all = when_all(answer_after(1h, 1), fail_after(1ms), finish_all_the_same(2s));
    co_await all;
    expect_none();
    auto limited = with_timeout(1s, finish_all_the_same(2s));
    std::ignore = co_await limited;
    expect_none();
    auto throwing = when_all(throw_after(1ms), finish_all_the_same(2s));
    try {
        co_await throwing;
    } catch (const std::runtime_error&) {
        expect_none();
    }
}

TEST_CASE("combine: nothing that was started is alive once all, the first or the limit is yielded",
          "[runtime][combine]") {
    run({}, leave_none_alive);
}

}  // namespace
}  // namespace sluice::tests
