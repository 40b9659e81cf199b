#include "sluice/runtime/generator.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/byte_pipe.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/counted.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/map.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/take.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/death.h"
#include "sluice/tests/support/yields.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

// Yields the whole lines of octets, each a part of what the source lent, or of what was kept.
Generator<std::string_view> lines(ByteSource& from) {
    std::string kept;
    while (true) {
        const Result<Octets> octets = co_await from.read();
        if (!octets) {
            co_yield failed(octets);
        }
        std::string_view text(reinterpret_cast<const char*>(octets->data()), octets->size());
        if (text.empty()) {
            break;
        }
        while (true) {
            const std::size_t end = text.find('\n');
            if (end == std::string_view::npos) {
                kept += text;
                break;
            }
            if (kept.empty()) {
                co_yield text.substr(0, end);
            } else {
                kept += text.substr(0, end);
                co_yield std::string_view(kept);
                kept.clear();
            }
            text.remove_prefix(end + 1);
        }
    }
}

static_assert(ClosableSource<Generator<std::string_view>>);

Task<> read_lines(World&) {
    const std::string_view text = "one\ntwo\nthree\n";
    MemorySource whole(text);
    Generator<std::string_view> borrowed = lines(whole);
    const Result<std::optional<std::string_view>> first = co_await borrowed.read();
    CHECK(yields(first, "one"));
    CHECK((*first)->data() == text.data());  // Lent, not copied.
    for (std::size_t chunk = 1; chunk < text.size(); ++chunk) {
        MemorySource parts(text, chunk);
        Generator<std::string_view> split = lines(parts);
        MapSource sizes(split, [](std::string_view line) { return line.size(); });
        std::vector<std::size_t> seen;
        while (true) {
            const Result<std::optional<std::size_t>> size = co_await sizes.read();
            REQUIRE(size.has_value());
            if (!*size) {
                break;
            }
            seen.push_back(**size);
        }
        CHECK(seen == std::vector<std::size_t>{3, 3, 5});
    }
}

TEST_CASE("generator: yields what may borrow until the next one is wanted",
          "[runtime][generator]") {
    run({}, read_lines);
}

// Says when it is destroyed.
class Told {
public:
    explicit Told(bool& gone) : gone_(gone) {}
    Told(Told&&) = delete;
    ~Told() { gone_ = true; }

private:
    bool& gone_;
};

Generator<int> tick(bool& gone, int& ticks) {
    const Told told(gone);
    while (true) {
        const bool undisturbed = co_await sleep_for(10ms);
        if (!undisturbed) {
            co_yield failure(Errc::cancelled, Phase::wait);
        }
        ++ticks;
        co_yield ticks;
    }
}

Task<> read_ticks(World& world) {
    bool gone = false;
    int ticks = 0;
    Generator<int> ticking = tick(gone, ticks);
    co_await sleep_for(100ms);
    CHECK(ticks == 0);  // It runs only while it is read.
    const Result<std::optional<int>> first = co_await ticking.read();
    CHECK(yields(first, 1));
    co_await ticking.close();
    CHECK(gone);
    const Result<std::optional<int>> closed = co_await ticking.read();
    CHECK(closed.error().code == Errc::closed);

    bool stopped = false;
    Generator<int> other = tick(stopped, ticks);
    Running reading(Context{&world.loop, nullptr}, other.read());
    co_await sleep_for(1ms);
    reading.request_stop();
    co_await reading.join();
    CHECK(reading.take().error().code == Errc::cancelled);
    CHECK(stopped);
    const Result<std::optional<int>> again = co_await other.read();
    CHECK(again.error().code == Errc::cancelled);
}

TEST_CASE(
    "generator: runs while it is read, hears the reader's stop, and is closed where it stands",
    "[runtime][generator]") {
    run({}, read_ticks);
}

Generator<int> throw_after_one() {
    co_yield 1;
    throw std::runtime_error("mine");
}

Task<> read_what_throws(World&) {
    Generator<int> throwing = throw_after_one();
    const Result<std::optional<int>> first = co_await throwing.read();
    CHECK(yields(first, 1));
    std::ignore = co_await throwing.read();
}

Task<> abandon_a_read(World& world) {
    bool gone = false;
    int ticks = 0;
    std::optional<Generator<int>> ticking(tick(gone, ticks));
    Running reading(Context{&world.loop, nullptr}, ticking->read());
    co_await sleep_for(1ms);
    ticking.reset();
}

TEST_CASE("generator: an exception leaves the read, and abandoning it under one is told by name",
          "[runtime][generator]") {
    CHECK_THROWS_AS(run({}, read_what_throws), std::runtime_error);
    const auto said = death_of([] { run({}, abandon_a_read); });
    REQUIRE(said.has_value());
    CHECK(said->find("Generator: destroyed while a read is in flight") != std::string::npos);
}

// Remembers where what it was given lay.
class Addresses final : public ByteSink {
public:
    Task<Result<void>> write(std::span<const std::byte> octets) override {
        seen.push_back(octets.data());
        co_return Result<void>();
    }
    Task<Result<void>> finish() override { co_return Result<void>(); }
    void abort() noexcept override { is_aborted = true; }

    std::vector<const std::byte*> seen;
    bool is_aborted = false;
};

Task<Result<std::uint64_t>> send_through(PipeSink sink, std::string_view text) {
    MemorySource from(text, 3);
    const Result<std::uint64_t> octets = co_await forward(from, sink);
    co_return octets;
}

Task<> lend_through_everything(World&) {
    const std::string_view text = "lent, not copied";
    BytePipe pipe;
    CountedSource counted(pipe.source);
    TakeSource all(counted, text.size() + 1);
    Addresses sink;
    Task<std::tuple<Result<std::uint64_t>, Result<std::uint64_t>>> both =
        when_all(send_through(std::move(pipe.sink), text), forward(all, sink));
    const auto [sent, received] = co_await both;
    CHECK(received == text.size());
    REQUIRE(sink.seen.size() == 6);
    for (std::size_t index = 0; index < sink.seen.size(); ++index) {
        CHECK(sink.seen[index] == reinterpret_cast<const std::byte*>(text.data()) + 3 * index);
    }
}

TEST_CASE("sources: octets are lent from end to end, through adapters and pipes",
          "[runtime][streams]") {
    run({}, lend_through_everything);
}

// An API that takes a source, fed by a program that writes.
Task<Result<std::uint64_t>> store(ByteSource& from, MemorySink& file) {
    const Result<std::uint64_t> stored = co_await forward(from, file);
    co_return stored;
}

Task<Result<void>> write_some(PipeSink sink, bool finishes, std::vector<Duration>& written_at) {
    const Context context = co_await this_task();
    const Instant before = context.loop->now();
    for (const std::string_view text : {"one ", "two ", "three"}) {
        const Result<void> written = co_await sink.write(std::as_bytes(std::span(text)));
        if (!written) {
            co_return written;
        }
        written_at.push_back(context.loop->now() - before);
    }
    if (!finishes) {
        co_return Result<void>();
    }
    const Result<void> finished = co_await sink.finish();
    co_return finished;
}

Task<> feed(World&, bool finishes) {
    BytePipe pipe;
    MemorySink file(100);
    std::vector<Duration> written_at;
    Task<std::tuple<Result<std::uint64_t>, Result<void>>> both =
        when_all(store(pipe.source, file), write_some(std::move(pipe.sink), finishes, written_at));
    const auto [stored, written] = co_await both;
    CHECK(written.has_value());
    CHECK(file.text() == "one two three");
    CHECK(file.is_finished() == finishes);
    CHECK(file.is_aborted() != finishes);
    if (!finishes) {
        CHECK(stored.error().code == Errc::abandoned);
        CHECK(stored.error().octets_done == 13);
    }
}

TEST_CASE("byte pipe: who writes feeds who takes a source, and an unfinished writer is told of",
          "[runtime][streams]") {
    run({}, [](World& world) { return feed(world, true); });
    run({}, [](World& world) { return feed(world, false); });
}

Task<> read_slowly_and_leave(PipeSource source) {
    for (int reads = 0; reads < 2; ++reads) {
        std::ignore = co_await source.read();
        co_await sleep_for(100ms);  // The octets are lent for as long.
    }
}

Task<> write_to_a_slow_one(World& world) {
    BytePipe pipe;
    std::vector<Duration> written_at;
    Scope scope(world.loop);
    scope.spawn(read_slowly_and_leave(std::move(pipe.source)));
    const Result<void> written = co_await write_some(std::move(pipe.sink), true, written_at);
    CHECK(written.error().code == Errc::abandoned);
    REQUIRE(written_at.size() == 2);
    CHECK(written_at[0] >= 100ms);
    CHECK(written_at[1] >= 200ms);
    co_await scope.join();
}

Task<> stop_a_lender(World& world) {
    const Context context{&world.loop, nullptr};
    BytePipe pipe;
    const std::string_view text = "lent";
    Running lent(context, pipe.sink.write(std::as_bytes(std::span(text))));
    std::ignore = co_await pipe.source.read();
    lent.request_stop();
    co_await sleep_for(1ms);
    CHECK_FALSE(lent.is_done());  // The reader has them.
    Running next(context, pipe.source.read());
    co_await lent.join();
    CHECK(lent.take().has_value());
    next.request_stop();
    co_await next.join();
    Running not_begun(context, pipe.sink.write(std::as_bytes(std::span(text))));
    co_await sleep_for(1ms);
    not_begun.request_stop();
    co_await not_begun.join();
    CHECK(not_begun.take().error().code == Errc::cancelled);
}

TEST_CASE("byte pipe: a write lasts for as long as the reader has its octets",
          "[runtime][streams]") {
    run({}, write_to_a_slow_one);
    run({}, stop_a_lender);
}

}  // namespace
}  // namespace sluice::tests
