#include "sluice/runtime/await.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/sink.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/yields.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

TEST_CASE("channel: try_write() says when it would have to wait, and gives the item back",
          "[runtime][channel]") {
    auto [sender, receiver] = bounded_channel<std::string>(1);
    CHECK(sender.try_write("first").has_value());
    const Sent<std::string> second = sender.try_write("second");
    CHECK(error_of(second).code == Errc::resources_exhausted);
    CHECK(second.error().item == "second");
}

Task<> keep_a_slot(World& world) {
    auto [sender, receiver] = bounded_channel<int>(1);
    {
        const Result<Permit<int>> permit = co_await sender.reserve();
        CHECK_FALSE(sender.try_write(1).has_value());  // It is kept.
    }
    CHECK(sender.try_write(1).has_value());  // It was dropped.
    Running waiting(Context{&world.loop, nullptr}, sender.reserve());
    Running stopped(Context{&world.loop, nullptr}, sender.reserve());
    co_await sleep_for(1ms);
    CHECK_FALSE(waiting.is_done());
    stopped.request_stop();
    const Result<std::optional<int>> first = co_await receiver.read();
    CHECK(yields(first, 1));
    co_await waiting.join();
    co_await stopped.join();
    CHECK(stopped.take().error().code == Errc::cancelled);
    Result<Permit<int>> permit = waiting.take();
    CHECK(receiver.is_idle());
    CHECK(permit->write(2).has_value());
    const Result<std::optional<int>> second = co_await receiver.read();
    CHECK(yields(second, 2));
}

TEST_CASE("reserve: a permit keeps a slot until it is used or dropped", "[runtime][channel]") {
    run({}, keep_a_slot);
}

// A permit is dropped while a reservation and a writer are in line and readers wait.
Task<> pass_by_reservations(World& world) {
    const Context context{&world.loop, nullptr};
    auto [sender, receiver] = bounded_channel<int>(1);
    auto other = receiver.clone();
    Result<Permit<int>> permit = co_await sender.reserve();
    Running reserving(context, sender.reserve());
    Running writing(context, sender.write(2));
    Running first(context, receiver.read());
    Running second(context, other.read());
    co_await sleep_for(1ms);
    CHECK(permit->write(0).has_value());  // To a reader at once, so the slot is free.
    co_await reserving.join();
    Result<Permit<int>> next = reserving.take();
    co_await writing.join();
    CHECK(writing.take().has_value());
    CHECK(next->write(1).has_value());
    co_await first.join();
    co_await second.join();
    CHECK(yields(first.take(), 0));
    CHECK(yields(second.take(), 2));  // Who was behind the reservation had its item ready.
    const Result<std::optional<int>> third = co_await receiver.read();
    CHECK(yields(third, 1));
}

TEST_CASE("reserve: who waits for a slot and who waits with an item go in turn",
          "[runtime][channel]") {
    run({}, pass_by_reservations);
}

// A sink that is several: an even number goes to one, an odd one to the other. The item is known
// when a slot is wanted, so no slot of the other shard is kept for it.
class ShardedSink {
public:
    ShardedSink(BoundedSender<int>& even, BoundedSender<int>& odd) : shards_{&even, &odd} {}

    Task<Sent<int>> write(int item) { return shards_.at(item % 2 == 0 ? 0 : 1)->write(item); }

    Task<Result<void>> finish() {
        Result<void> finished = co_await shards_[0]->finish();
        if (finished) {
            finished = co_await shards_[1]->finish();
        }
        co_return finished;
    }

    void abort() noexcept {
        for (BoundedSender<int>* const shard : shards_) {
            shard->abort();
        }
    }

private:
    std::array<BoundedSender<int>*, 2> shards_;
};

static_assert(Sink<ShardedSink, int>);

Task<> write_beside_a_full_shard(World& world) {
    auto [even, reads_even] = bounded_channel<int>(1);
    auto [odd, reads_odd] = bounded_channel<int>(1);
    ShardedSink sink(even, odd);
    std::ignore = co_await sink.write(0);
    Running waiting(Context{&world.loop, nullptr}, sink.write(2));
    co_await sleep_for(1ms);
    CHECK_FALSE(waiting.is_done());
    CHECK(odd.try_write(1).has_value());  // The other shard's one slot is nobody's.
    const Result<std::optional<int>> read = co_await reads_even.read();
    CHECK(yields(read, 0));
    co_await waiting.join();
    CHECK(waiting.take().has_value());
}

TEST_CASE("sink: a sharded one that waits for one shard pins no slot of another",
          "[runtime][channel][tokio-898]") {
    run({}, write_beside_a_full_shard);
}

Task<> broadcast_to_three(World& world) {
    auto [sender, first] = broadcast_channel<std::string>(2);
    auto second = first.clone();
    std::ignore = co_await sender.write("a");
    std::ignore = co_await sender.write("b");
    const Result<std::optional<std::string>> a = co_await first.read();
    auto late = first.clone();  // Has read what `first` has.
    Running waiting(Context{&world.loop, nullptr}, sender.write("c"));
    co_await sleep_for(1ms);
    CHECK(yields(a, "a"));
    CHECK_FALSE(waiting.is_done());  // For `second`, who sets the pace.
    for (const std::string expected : {"a", "b"}) {
        const Result<std::optional<std::string>> read = co_await second.read();
        CHECK(yields(read, expected));
    }
    co_await waiting.join();
    CHECK(waiting.take().has_value());
    for (const std::string expected : {"b", "c"}) {
        const Result<std::optional<std::string>> read = co_await first.read();
        CHECK(yields(read, expected));
        const Result<std::optional<std::string>> of_late = co_await late.read();
        CHECK(yields(of_late, expected));
    }
    std::ignore = co_await sender.write("d");
    Running more(Context{&world.loop, nullptr}, sender.write("e"));
    co_await sleep_for(1ms);
    CHECK_FALSE(more.is_done());
    co_await second.close();  // Nobody waits for one that has gone.
    co_await more.join();
    for (const std::string expected : {"d", "e"}) {
        const Result<std::optional<std::string>> read = co_await late.read();
        CHECK(yields(read, expected));
    }
}

TEST_CASE("broadcast: every receiver gets everything, and the slowest sets the pace",
          "[runtime][channel]") {
    run({}, broadcast_to_three);
}

Task<> watch_a_value(World&) {
    auto [sender, watcher] = latest_channel<int>();
    auto sleepy = watcher.clone();
    for (int value = 0; value < 10; ++value) {
        std::ignore = co_await sender.write(value);
        const Result<std::optional<int>> seen = co_await watcher.read();
        CHECK(yields(seen, value));
        CHECK(watcher.is_idle());  // The same value is not new twice.
    }
    const Result<std::optional<int>> newest = co_await sleepy.read();
    CHECK(yields(newest, 9));
    CHECK(watcher.overwritten() == 0);
    CHECK(sleepy.overwritten() == 9);
}

TEST_CASE("latest: a receiver gets the newest value that it has not seen, and how many it missed",
          "[runtime][channel]") {
    run({}, watch_a_value);
}

// Destroys a sender of the channel that it is in.
struct HasASender {
    std::optional<Sender<HasASender>> sender;
};

Task<> overwrite_a_sender(World&) {
    auto [sender, receiver] = overwriting_channel<HasASender>(1);
    HasASender first{sender.clone()};
    std::ignore = co_await sender.write(std::move(first));
    HasASender second{sender.clone()};
    std::ignore = co_await sender.write(std::move(second));
    CHECK(receiver.overwritten() == 1);
}

TEST_CASE("overwriting: what is overwritten, or never read, is destroyed when the lock is open",
          "[runtime][channel]") {
    run({}, overwrite_a_sender);
}

}  // namespace
}  // namespace sluice::tests
