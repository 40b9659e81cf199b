#include "sluice/runtime/forward.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/runtime/scope.h"
#include "sluice/tests/support/on_simulator.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::on_simulator;
using Log = std::vector<std::string>;

// Yields "0", "1" ... up to `chunks`, and then its end or an error; it notes each step.
class ScriptedSource final : public ByteSource {
public:
    ScriptedSource(Log& log, int chunks, std::optional<Error> end = {})
        : log_(log), chunks_(chunks), end_(end) {}

    Task<Result<std::span<const std::byte>>> read() override {
        log_.push_back("read");
        co_await yield();
        if (next_ == chunks_ && end_) {
            co_return std::unexpected(*end_);
        }
        chunk_ = next_ == chunks_ ? "" : std::to_string(next_++);
        co_return std::as_bytes(std::span(chunk_));
    }

private:
    Log& log_;
    int chunks_;
    std::optional<Error> end_;
    int next_ = 0;
    std::string chunk_;
};

// Takes `chunks` and fails the next write, with one octet less than it was given; or finish().
class ScriptedSink final : public ByteSink {
public:
    ScriptedSink(Log& log, std::optional<int> chunks, std::optional<Error> end = {})
        : log_(log), chunks_(chunks), end_(end) {}

    Task<Result<void>> write(std::span<const std::byte> octets) override {
        const std::string text(reinterpret_cast<const char*>(octets.data()), octets.size());
        log_.push_back("write " + text);
        co_await yield();
        co_await yield();
        log_.push_back("written " + text);
        if (chunks_ && (*chunks_)-- == 0) {
            co_return failure(Errc::reset, Phase::send, octets.size() - 1);
        }
        co_return Result<void>();
    }

    Task<Result<void>> finish() override {
        log_.push_back("finish");
        if (end_) {
            co_return std::unexpected(*end_);
        }
        co_return Result<void>();
    }

    void abort() noexcept override { log_.push_back("abort"); }

private:
    Log& log_;
    std::optional<int> chunks_;
    std::optional<Error> end_;
};

TEST_CASE("forward: nothing is read before the sink has taken what came before",
          "[runtime][forward]") {
    Log log;
    ScriptedSource source(log, 2);
    ScriptedSink sink(log, {});
    const Result<std::uint64_t> octets = on_simulator(forward(source, sink));
    CHECK(octets == 2U);
    CHECK(log ==
          Log{"read", "write 0", "written 0", "read", "write 1", "written 1", "read", "finish"});
}

TEST_CASE("forward: of an empty source it finishes the sink", "[runtime][forward]") {
    MemorySource source("");
    MemorySink sink(10);
    CHECK(on_simulator(forward(source, sink)) == 0U);
    CHECK(sink.is_finished());
}

TEST_CASE("forward: when the source fails, the sink is aborted and not finished",
          "[runtime][forward]") {
    Log log;
    ScriptedSource source(log, 2, Error{Errc::end_of_stream, Phase::receive, 0, 0, 77});
    ScriptedSink sink(log, {});
    Passage passage;
    const Result<std::uint64_t> octets = on_simulator(forward(source, sink, passage));
    REQUIRE_FALSE(octets);
    CHECK(octets.error().code == Errc::end_of_stream);
    CHECK(octets.error().phase == Phase::receive);
    CHECK(octets.error().octets_done == 2);
    CHECK(passage.failed == Side::source);
    CHECK(passage.octets == 2);
    CHECK(log.back() == "abort");
    CHECK(std::ranges::count(log, "finish") == 0);
}

TEST_CASE(
    "forward: when the sink fails, what it took of the last write is counted, and no more "
    "is read",
    "[runtime][forward]") {
    const std::string text = "abcdefgh";
    MemorySource source(text, 3);
    MemorySink sink(5);
    Passage passage;
    const Result<std::uint64_t> octets = on_simulator(forward(source, sink, passage));
    REQUIRE_FALSE(octets);
    CHECK(octets.error().code == Errc::limit_exceeded);
    CHECK(octets.error().octets_done == 5);
    CHECK(passage.failed == Side::sink);
    CHECK(passage.octets == 5);
    CHECK(sink.text() == "abcde");
}

TEST_CASE("forward: a sink that failed is left as it is, neither finished nor aborted",
          "[runtime][forward]") {
    Log log;
    ScriptedSource source(log, 2);
    ScriptedSink sink(log, 1);
    CHECK(on_simulator(forward(source, sink)) == failure(Errc::reset, Phase::send));
    CHECK(log == Log{"read", "write 0", "written 0", "read", "write 1", "written 1"});
}

TEST_CASE("forward: when the sink cannot be finished, it says so, with all octets crossed",
          "[runtime][forward]") {
    Log log;
    ScriptedSource source(log, 3);
    ScriptedSink sink(log, {}, Error{Errc::input_output, Phase::sync});
    Passage passage;
    const Result<std::uint64_t> octets = on_simulator(forward(source, sink, passage));
    REQUIRE_FALSE(octets);
    CHECK(octets.error().phase == Phase::sync);
    CHECK(octets.error().octets_done == 3);
    CHECK(passage.failed == Side::sink);
}

// Never ends, and never waits.
class EndlessSource final : public ByteSource {
public:
    Task<Result<std::span<const std::byte>>> read() override {
        co_return std::as_bytes(std::span("x", 1));
    }
};

Task<Result<bool>> ask_later(StopSource& stop) {
    for (int turn = 0; turn < 10; ++turn) {
        co_await yield();
    }
    stop.request();
    co_return true;
}

Task<Result<std::uint64_t>> forward_stopped(ByteSource& source, ByteSink& sink) {
    const Context context = co_await this_task();
    StopSource stop;
    Running<Result<bool>> asking(context, ask_later(stop));
    Under<Result<std::uint64_t>> forwarding(&stop, forward(source, sink));
    const Result<std::uint64_t> octets = co_await forwarding;
    co_await asking.join();
    co_return octets;
}

TEST_CASE("forward: a stop ends it even where nothing ever waits, and aborts the sink",
          "[runtime][forward]") {
    EndlessSource source;
    Log log;
    ScriptedSink sink(log, {});
    CHECK(on_simulator(forward_stopped(source, sink)) == failure(Errc::cancelled, Phase::read));
    CHECK(log.back() == "abort");
}

}  // namespace
}  // namespace sluice
