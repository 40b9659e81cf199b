#include "sluice/runtime/await.h"
#include "sluice/runtime/buffered.h"
#include "sluice/runtime/counted.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/hashed.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/take.h"
#include "sluice/runtime/tee.h"
#include "sluice/tests/support/on_simulator.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::on_simulator;

static_assert(Sink<NullSink, Octets>);
static_assert(Source<MemorySource, Octets>);
static_assert(!Sink<MemorySource, Octets>);
static_assert(!Sink<NullSink, std::string>);

constexpr std::string_view text = "the quick brown fox";

// Notes the size of every write.
class SizesSink final : public ByteSink {
public:
    Task<Result<void>> write(std::span<const std::byte> octets) override {
        sizes.push_back(octets.size());
        co_return Result<void>();
    }
    Task<Result<void>> finish() override { co_return Result<void>(); }
    void abort() noexcept override {}

    std::vector<std::size_t> sizes;
};

// As good a hash as the tests need, and easy to foretell.
struct Concatenation {
    void update(std::span<const std::byte> octets) {
        seen.append(reinterpret_cast<const char*>(octets.data()), octets.size());
    }
    [[nodiscard]] std::string finish() const { return seen; }

    std::string seen;
};

Task<Result<void>> write(ByteSink& sink, std::string_view octets) {
    const Result<void> result = co_await sink.write(std::as_bytes(std::span(octets)));
    co_return result;
}

TEST_CASE("counted: sink and source count every octet that passed", "[runtime][streams]") {
    MemorySource memory(text, 4);
    CountedSource source(memory);
    NullSink null;
    CountedSink sink(null);
    CHECK(on_simulator(forward(source, sink)) == text.size());
    CHECK(source.octets() == text.size());
    CHECK(sink.octets() == text.size());
}

TEST_CASE("counted: of a write that failed, what was taken counts", "[runtime][streams]") {
    MemorySink memory(7);
    CountedSink sink(memory);
    CHECK_FALSE(on_simulator(write(sink, text)));
    CHECK(sink.octets() == 7);
}

TEST_CASE("hashed: sink and source show the hasher exactly what passed", "[runtime][streams]") {
    MemorySource memory(text, 5);
    Concatenation read;
    HashedSource source(memory, read);
    MemorySink kept(100);
    Concatenation written;
    HashedSink sink(kept, written);
    CHECK(on_simulator(forward(source, sink)) == text.size());
    CHECK(read.finish() == text);
    CHECK(written.finish() == text);
    CHECK(kept.text() == text);
    CHECK(kept.is_finished());
}

TEST_CASE("take: yields the first octets, wherever the reads ended", "[runtime][streams]") {
    struct Row {
        std::size_t chunk;
        std::uint64_t octets;
        std::string_view taken;
        const char* why;
    };
    const Row rows[] = {
        {100, 9, "the quick", "inside a read"}, {9, 9, "the quick", "at the end of a read"},
        {1, 9, "the quick", "octet by octet"},  {4, 0, "", "nothing at all"},
        {4, 100, text, "more than there is"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        MemorySource memory(text, row.chunk);
        TakeSource source(memory, row.octets);
        MemorySink sink(100);
        CHECK(on_simulator(forward(source, sink)) == row.taken.size());
        CHECK(sink.text() == row.taken);
    }
}

TEST_CASE("tee: both sinks get everything and are finished", "[runtime][streams]") {
    MemorySource source(text, 4);
    MemorySink first(100);
    MemorySink second(100);
    TeeSink tee(first, second);
    CHECK(on_simulator(forward(source, tee)) == text.size());
    CHECK(first.text() == text);
    CHECK(second.text() == text);
    CHECK(first.is_finished());
    CHECK(second.is_finished());
}

TEST_CASE("tee: when one sink fails, that error is told, with what both had taken",
          "[runtime][streams]") {
    const bool first_fails = GENERATE(true, false);
    MemorySource source(text, 4);
    MemorySink small(6);
    MemorySink large(100);
    TeeSink tee(first_fails ? small : large, first_fails ? large : small);
    const Result<std::uint64_t> octets = on_simulator(forward(source, tee));
    REQUIRE_FALSE(octets);
    CHECK(octets.error().code == Errc::limit_exceeded);
    CHECK(octets.error().octets_done == 6);
    tee.abort();
    CHECK(large.is_aborted());
}

// Takes nothing until it is asked to stop.
class StuckSink final : public ByteSink {
public:
    Task<Result<void>> write(std::span<const std::byte>) override {
        Event never_set;
        co_await never_set.wait();
        co_return failure(Errc::cancelled, Phase::write);
    }
    Task<Result<void>> finish() override { co_return Result<void>(); }
    void abort() noexcept override {}
};

TEST_CASE("tee: the error that is told is the cause, not that of the sink that was stopped for it",
          "[runtime][streams]") {
    const bool first_is_stuck = GENERATE(true, false);
    StuckSink stuck;
    MemorySink small(6);
    TeeSink tee(first_is_stuck ? static_cast<ByteSink&>(stuck) : small,
                first_is_stuck ? static_cast<ByteSink&>(small) : stuck);
    const Result<void> written = on_simulator(write(tee, text));
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Errc::limit_exceeded);
    CHECK(written.error().octets_done == 0);
}

TEST_CASE("tee: when the first cannot be finished, the second is aborted", "[runtime][streams]") {
    MemorySink first(100);
    MemorySink second(100);
    first.abort();
    TeeSink tee(first, second);
    CHECK_FALSE(on_simulator(tee.finish()));
    CHECK(second.is_aborted());
}

Task<> write_sizes(BufferedSink& sink, std::vector<std::size_t> sizes) {
    const std::string octets(100, 'x');
    for (const std::size_t size : sizes) {
        Task<Result<void>> writing = write(sink, std::string_view(octets).substr(0, size));
        const Result<void> written = co_await writing;
        CHECK(written);
    }
    const Result<void> finished = co_await sink.finish();
    CHECK(finished);
}

TEST_CASE("buffered: small writes become one, and large ones are not copied",
          "[runtime][streams]") {
    struct Row {
        std::vector<std::size_t> written;
        std::vector<std::size_t> seen;
        const char* why;
    };
    const Row rows[] = {
        {{}, {}, "nothing"},
        {{1, 2, 3}, {6}, "finish flushes"},
        {{5, 5}, {10}, "full to the brim"},
        {{6, 6}, {6, 6}, "what no longer fits waits for the next"},
        {{30}, {30}, "larger than the buffer"},
        {{3, 30, 3}, {3, 30, 3}, "the order stays"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        SizesSink sizes;
        BufferedSink sink(sizes, 10);
        on_simulator(write_sizes(sink, row.written));
        CHECK(sizes.sizes == row.seen);
    }
}

TEST_CASE("buffered: octets arrive whole and in order", "[runtime][streams]") {
    for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) {
        MemorySource source(text, chunk);
        MemorySink memory(100);
        BufferedSink sink(memory, 7);
        CHECK(on_simulator(forward(source, sink)) == text.size());
        CHECK(memory.text() == text);
        CHECK(memory.is_finished());
    }
}

TEST_CASE("buffered: a late failure is told by finish", "[runtime][streams]") {
    MemorySink memory(3);
    BufferedSink sink(memory, 10);
    CHECK(on_simulator(write(sink, "abcdef")));
    CHECK(on_simulator(sink.finish()) == failure(Errc::limit_exceeded, Phase::write));
    CHECK_FALSE(memory.is_finished());
}

TEST_CASE("buffered: what was not flushed is lost to abort", "[runtime][streams]") {
    MemorySink memory(10);
    BufferedSink sink(memory, 10);
    CHECK(on_simulator(write(sink, "abc")));
    sink.abort();
    CHECK(memory.octets().empty());
    CHECK(memory.is_aborted());
}

TEST_CASE("memory sink: nothing is taken once it is over", "[runtime][streams]") {
    MemorySink sink(10);
    CHECK(on_simulator(write(sink, "abc")));
    CHECK(on_simulator(sink.finish()));
    CHECK(on_simulator(write(sink, "d")) == failure(Errc::closed, Phase::write));
    sink.abort();
    CHECK(sink.is_finished());
    CHECK(sink.text() == "abc");
}

}  // namespace
}  // namespace sluice
