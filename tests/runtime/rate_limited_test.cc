#include "sluice/runtime/rate_limited.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/runtime/simulation/run.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using simulation::World;

// How long it takes until the end of `octets` is proven.
Task<Duration> time_to_forward(std::size_t octets, std::uint64_t octets_per_second) {
    const Context context = co_await this_task();
    const Instant begun = context.loop->now();
    const std::string text(octets, 'x');
    MemorySource memory(text);
    RateLimitedSource source(memory, octets_per_second);
    NullSink sink;
    const Result<std::uint64_t> forwarded = co_await forward(source, sink);
    CHECK(forwarded == octets);
    co_return context.loop->now() - begun;
}

TEST_CASE("rate limited: octets take the time that the rate gives them",
          "[runtime][rate_limited]") {
    struct Row {
        std::size_t octets;
        std::uint64_t octets_per_second;
        Duration takes;
    };
    const Row rows[] = {
        {0, 1000, 0s},
        {1000, 1000, 1s},
        {10'000, 1000, 10s},
        {5, 1, 5s},
        {1'000'000, 4'000'000, 250ms},
    };
    for (const Row& row : rows) {
        INFO(row.octets << " octets at " << row.octets_per_second);
        const Duration took = simulation::run(
            {}, [&](World) { return time_to_forward(row.octets, row.octets_per_second); });
        CHECK(took >= row.takes - 1us);
        CHECK(took <= row.takes + 10ms);
    }
}

// Reads one slice, does something else for a while, and reads on for a second.
Task<std::size_t> octets_after_a_pause() {
    const Context context = co_await this_task();
    const std::string text(100'000, 'x');
    MemorySource memory(text);
    RateLimitedSource source(memory, 1000);
    const Result<std::span<const std::byte>> first = co_await source.read();
    CHECK(first->size() == 100);
    co_await sleep_for(60s);
    const Instant resumed = context.loop->now();
    std::size_t octets = 0;
    while (context.loop->now() < resumed + 1s) {
        const Result<std::span<const std::byte>> slice = co_await source.read();
        octets += slice->size();
    }
    co_return octets;
}

TEST_CASE("rate limited: time that the reader took is not made up for by a burst",
          "[runtime][rate_limited]") {
    const std::size_t octets = simulation::run({}, [](World) { return octets_after_a_pause(); });
    CHECK(octets >= 1000);
    CHECK(octets <= 1200);
}

Task<Result<std::uint64_t>> forward_for(Duration limit) {
    const std::string text(100'000, 'x');
    MemorySource memory(text);
    RateLimitedSource source(memory, 1000);
    NullSink sink;
    Task<Result<std::uint64_t>> forwarding = forward(source, sink);
    const Result<std::uint64_t> octets = co_await with_timeout(limit, std::move(forwarding));
    co_return octets;
}

TEST_CASE("rate limited: a stop ends the wait", "[runtime][rate_limited]") {
    const Result<std::uint64_t> octets =
        simulation::run({}, [](World) { return forward_for(2050ms); });
    REQUIRE_FALSE(octets);
    CHECK(octets.error().code == Errc::timed_out);
    CHECK(octets.error().octets_done == 2100);
}

}  // namespace
}  // namespace sluice
