#include "sluice/runtime/await.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/chunk.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/concurrent.h"
#include "sluice/runtime/counted.h"
#include "sluice/runtime/filter.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/generator.h"
#include "sluice/runtime/map.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/take.h"
#include "sluice/runtime/task_dump.h"
#include "sluice/runtime/tee.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/death.h"
#include "sluice/tests/support/yields.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

Generator<int> count_to(int last) {
    for (int number = 1; number <= last; ++number) {
        co_yield number;
    }
}

Generator<int> count_to_and_fail(int last) {
    for (int number = 1; number <= last; ++number) {
        co_yield number;
    }
    co_yield failure(Errc::reset, Phase::read);
}

// Keeps what it takes, `items_max` of it, and holds it back until it is flushed.
class Shelf {
public:
    explicit Shelf(std::size_t items_max = 1000) : items_max_(items_max) {}

    Task<Sent<int>> write(int item) {
        if (items.size() == items_max_) {
            co_return unsent(Error{Errc::no_space, Phase::write}, item);
        }
        items.push_back(item);
        co_return Sent<int>();
    }

    Task<Result<void>> flush() {
        flushed_at.push_back(items.size());
        co_return Result<void>();
    }

    Task<Result<void>> finish() {
        is_finished = true;
        co_return Result<void>();
    }

    void abort() noexcept { is_aborted = true; }

    std::vector<int> items;
    std::vector<std::size_t> flushed_at;
    bool is_finished = false;
    bool is_aborted = false;

private:
    std::size_t items_max_;
};

static_assert(Sink<Shelf, int> && FlushableSink<Shelf>);
static_assert(ClosableSource<Generator<int>>);

Task<> chain(World&) {
    Generator<int> numbers = count_to(1000);
    CountedItemsSource counted(numbers);
    FilterSource even(counted, [](int number) { return number % 2 == 0; });
    MapSource squares(even, [](int number) { return number * number; });
    TakeItemsSource few(squares, 3);
    static_assert(AnySource<decltype(few)> && ClosableSource<decltype(few)>);
    Shelf shelf;
    const Result<std::uint64_t> crossed = co_await forward(few, shelf);
    CHECK(crossed == 3U);
    CHECK(shelf.items == std::vector<int>{4, 16, 36});
    CHECK(shelf.is_finished);
    CHECK(counted.items() == 6);  // Not one more was pulled than was wanted.
    co_await few.close();
    const Result<std::optional<int>> closed = co_await numbers.read();
    CHECK(closed.error().code == Errc::closed);
}

TEST_CASE("map, filter, take, counted: a chain pulls what its end wants, and closes its source",
          "[runtime][streams]") {
    run({}, chain);
}

Task<> make_batches(World& world) {
    auto [sender, receiver] = unbounded_channel<std::unique_ptr<int>>();
    ChunkSource batches(receiver, 3);
    for (int item = 0; item < 4; ++item) {
        std::ignore = co_await sender.write(std::make_unique<int>(item));
    }
    const auto full = co_await batches.read();
    CHECK((**full).size() == 3);
    const auto rest = co_await batches.read();  // Nothing more is there: nothing is waited for.
    CHECK((**rest).size() == 1);
    CHECK(*(**rest)[0] == 3);
    Running reading(Context{&world.loop, nullptr}, batches.read());
    co_await sleep_for(1ms);
    CHECK_FALSE(reading.is_done());  // Nor is nothing a batch.
    std::ignore = co_await sender.write(std::make_unique<int>(4));
    sender.abort();
    co_await reading.join();
    const auto last = reading.take();
    CHECK((**last).size() == 1);
    const auto end = co_await batches.read();
    CHECK(end.error().code == Errc::aborted);
}

TEST_CASE("chunk: batches are what has come, up to so many, and an error comes after them",
          "[runtime][streams]") {
    run({}, make_batches);
}

Task<> forward_and_fail(World&) {
    Shelf shelf;
    Generator<int> failing = count_to_and_fail(5);
    ItemPassage<int> passage;
    const Result<std::uint64_t> source_failed = co_await forward(failing, shelf, passage);
    CHECK(source_failed.error().code == Errc::reset);
    CHECK(source_failed.error().octets_done == 5);
    CHECK(passage.failed == Side::source);
    CHECK(shelf.is_aborted);

    Shelf small(3);
    Generator<int> numbers = count_to(1000);
    ItemPassage<int> to_small;
    const Result<std::uint64_t> sink_failed = co_await forward(numbers, small, to_small);
    CHECK(sink_failed.error().code == Errc::no_space);
    CHECK(to_small.failed == Side::sink);
    CHECK(to_small.items == 3);
    CHECK(to_small.unsent == 4);  // It came back.
    CHECK_FALSE(small.is_finished);
    const Result<std::optional<int>> next = co_await numbers.read();
    CHECK(yields(next, 5));  // Nothing was read that had nowhere to go.
}

TEST_CASE("forward: of items, says which side failed, how many crossed, and gives one back",
          "[runtime][streams]") {
    run({}, forward_and_fail);
}

Task<> write_in_bursts(Sender<int> sender) {
    for (int burst = 0; burst < 3; ++burst) {
        for (int item = 0; item < 4; ++item) {
            std::ignore = co_await sender.write(item);
        }
        co_await sleep_for(10ms);
    }
    std::ignore = co_await sender.finish();
}

Task<> forward_bursts(World& world) {
    auto [sender, receiver] = unbounded_channel<int>();
    Shelf shelf;
    Scope scope(world.loop);
    scope.spawn(write_in_bursts(std::move(sender)));
    co_await sleep_for(1ms);
    const Result<std::uint64_t> crossed = co_await forward(receiver, shelf);
    co_await scope.join();
    CHECK(crossed == 12U);
    CHECK(shelf.flushed_at == std::vector<std::size_t>{4, 8, 12});
}

TEST_CASE("forward: flushes when the source is idle, and only then", "[runtime][streams]") {
    run({}, forward_bursts);
}

Task<Result<std::uint64_t>> forward_from(Receiver<int>& from, Shelf& to) {
    const Result<std::uint64_t> crossed = co_await forward(from, to);
    co_return crossed;
}

Task<> stop_forwarding(World& world) {
    auto [sender, receiver] = bounded_channel<int>(1);
    Shelf shelf;
    Running forwarding(Context{&world.loop, nullptr}, forward_from(receiver, shelf));
    std::ignore = co_await sender.write(1);
    co_await sleep_for(1ms);
    forwarding.request_stop();
    co_await forwarding.join();
    const Result<std::uint64_t> crossed = forwarding.take();
    CHECK(crossed.error().code == Errc::cancelled);
    CHECK(crossed.error().octets_done == 1);
    CHECK(shelf.is_aborted);
}

TEST_CASE("forward: a stop aborts the sink", "[runtime][streams]") {
    run({}, stop_forwarding);
}

Task<> write_to_two(World& world) {
    auto [sender, receiver] = bounded_channel<int>(1);
    Shelf shelf;
    TeeItemsSink<int, Shelf, BoundedSender<int>> tee(shelf, sender);
    static_assert(Sink<decltype(tee), int>);
    std::ignore = co_await tee.write(1);
    Running writing(Context{&world.loop, nullptr}, tee.write(2));
    co_await sleep_for(1ms);
    CHECK_FALSE(writing.is_done());  // The slower one sets the pace.
    const Result<std::optional<int>> read = co_await receiver.read();
    CHECK(yields(read, 1));
    co_await writing.join();
    CHECK(writing.take().has_value());
    co_await receiver.close();
    const Sent<int> refused = co_await tee.write(3);
    CHECK(error_of(refused).code == Errc::aborted);
    CHECK(refused.error().item == 3);
    tee.abort();
    CHECK(shelf.is_aborted);
}

TEST_CASE("tee: of items, both get each, and what one refuses comes back", "[runtime][streams]") {
    run({}, write_to_two);
}

// Number 3 is the quickest.
Task<Result<std::string>> work(int number) {
    const bool undisturbed = co_await sleep_for(number == 3 ? 10ms : 100ms);
    if (!undisturbed) {
        co_return failure(Errc::cancelled, Phase::wait);
    }
    if (number == 13) {
        co_return failure(Errc::refused, Phase::connect);
    }
    co_return std::to_string(number);
}

Task<> work_while_the_reader_does(World& world) {
    const Instant before = world.loop.now();
    const Context context = co_await this_task();
    Generator<int> numbers = count_to(8);
    ConcurrentSource working(context, numbers, 4, work);
    std::string all;
    while (true) {
        const Result<std::optional<std::string>> done = co_await working.read();
        REQUIRE(done.has_value());
        if (!*done) {
            break;
        }
        all += **done;
        co_await sleep_for(25ms);  // Busy with it.
    }
    CHECK(all == "12345678");
    // Two rounds of four jobs, the second begun while the reader was busy with the first, and what
    // the reader does with the last of them. One job at a time would take more than 700 ms.
    const Duration took = world.loop.now() - before;
    CHECK(took >= 300ms);
    CHECK(took < 330ms);
}

TEST_CASE("concurrent: jobs run while their reader is busy: the longest counts, not the sum",
          "[runtime][streams]") {
    run({}, work_while_the_reader_does);
}

Task<> fail_in_turn(World& world) {
    const Context context{&world.loop, nullptr};
    Generator<int> numbers = count_to(1000);
    FilterSource few(numbers, [](int number) { return number > 11; });
    ConcurrentSource working(context, few, 4, work);
    const Result<std::optional<std::string>> first = co_await working.read();
    CHECK(yields(first, "12"));
    const Result<std::optional<std::string>> second = co_await working.read();
    CHECK(second.error().code == Errc::refused);
    const Result<std::optional<std::string>> again = co_await working.read();
    CHECK(again.error().code == Errc::refused);
}

Task<> close_early(World& world) {
    const Context context{&world.loop, nullptr};
    auto [sender, receiver] = bounded_channel<int>(4);
    ConcurrentSource working(context, receiver, 4, work);
    std::ignore = co_await sender.write(1);
    std::ignore = co_await sender.write(2);
    Running reading(context, working.read());
    co_await sleep_for(1ms);
    reading.request_stop();  // Of the read alone.
    co_await reading.join();
    CHECK(reading.take().error().code == Errc::cancelled);
    const Result<std::optional<std::string>> first = co_await working.read();
    CHECK(yields(first, "1"));
    const Instant before = world.loop.now();
    co_await working.close();
    CHECK(world.loop.now() - before < 10ms);
    const Result<std::optional<std::string>> closed = co_await working.read();
    CHECK(closed.error().code == Errc::closed);
}

Task<> abandon(World& world) {
    const Context context{&world.loop, nullptr};
    Generator<int> numbers = count_to(8);
    ConcurrentSource working(context, numbers, 4, work);
    std::ignore = co_await working.read();
}

TEST_CASE(
    "concurrent: an error comes in its turn, close() stops the jobs, and not to close is a bug",
    "[runtime][streams]") {
    run({}, fail_in_turn);
    run({}, close_early);
    const auto said = death_of([] { run({}, abandon); });
    REQUIRE(said.has_value());
    CHECK(said->find("ConcurrentSource: destroyed before its end") != std::string::npos);
}

struct Fed {
    std::size_t sent = 0;
    std::vector<int> taken;
};

std::ptrdiff_t lines_of(const std::string& text) {
    return std::ranges::count(text, '\n');
}

// An API that takes a source, and its time for each item.
template <Source<int> S>
Task<> take_slowly(Loop& loop, S& from, std::ptrdiff_t lines_before, Fed& fed) {
    while (true) {
        const Result<std::optional<int>> item = co_await from.read();
        CHECK(item.has_value());
        if (!item || !*item) {
            co_return;
        }
        fed.taken.push_back(**item);
        co_await sleep_for(1s);
        CHECK(fed.sent == std::min<std::size_t>(fed.taken.size() + 2, 30));
        if (fed.taken.size() == 1) {
            // This task, the join, three that send, and the write of each: nothing runs between.
            const std::string dump = task_dump(loop);
            CAPTURE(dump);
            CHECK(lines_of(dump) == lines_before + 8);
        }
    }
}

Task<> send_ten(BoundedSender<int> sender, int first, Fed& fed) {
    for (int item = first; item < first + 10; ++item) {
        const Sent<int> sent = co_await sender.write(item);
        CHECK(sent.has_value());
        ++fed.sent;
    }
    const Result<void> finished = co_await sender.finish();
    CHECK(finished.has_value());
}

Task<> feed_from_three(World& world) {
    const std::ptrdiff_t lines_before = lines_of(task_dump(world.loop));
    Channel<int, BoundedSender<int>> channel = bounded_channel<int>(2);
    Fed fed;
    Scope scope(world.loop);
    scope.spawn(take_slowly(world.loop, channel.receiver, lines_before, fed));
    for (const int first : {100, 200, 300}) {
        scope.spawn(send_ten(channel.sender.clone(), first, fed));
    }
    const Result<void> finished = co_await channel.sender.finish();
    CHECK(finished.has_value());
    co_await scope.join();
    CHECK(lines_of(task_dump(world.loop)) == lines_before);
    REQUIRE(fed.taken.size() == 30);
    for (const int first : {100, 200, 300}) {
        int next = first;
        for (const int item : fed.taken) {
            next += item == next ? 1 : 0;
        }
        CHECK(next == first + 10);  // Those of each in their order.
    }
}

TEST_CASE(
    "channel: an API that takes a source is fed by who sends, no faster than it takes, and "
    "by no task of the channel's",
    "[runtime][streams]") {
    run({}, feed_from_three);
}

}  // namespace
}  // namespace sluice::tests
