// Channels and locks between loops. Under the thread sanitizer this is what looks for races.

#include "sluice/runtime/actor.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/mutex.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/serialized.h"
#include "sluice/runtime/threads.h"
#include "sluice/tests/catch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::tests {
namespace {

constexpr unsigned loops = 8;
constexpr int tasks_each = 2;  // Of a sort, on each loop.
constexpr int tasks = tasks_each * int{loops};
constexpr int items_each = 100;

using Item = std::shared_ptr<const int>;

// What all receivers of a run saw.
struct Tally {
    std::atomic<std::int64_t> sum = 0;
    std::atomic<std::int64_t> count = 0;
    std::atomic<int> ends = 0;
};

template <typename S>
Task<> produce(S sender) {
    for (int item = 1; item <= items_each; ++item) {
        const Sent<Item> sent = co_await sender.write(std::make_shared<const int>(item));
        if (!sent) {
            co_return;
        }
    }
    std::ignore = co_await sender.finish();
}

Task<> consume(Receiver<Item> receiver, Tally& tally) {
    while (true) {
        const Result<std::optional<Item>> item = co_await receiver.read();
        if (!item) {
            co_return;
        }
        if (!*item) {
            ++tally.ends;
            co_return;
        }
        tally.sum += ***item;
        ++tally.count;
    }
}

// Tasks of each sort on every loop.
template <typename S>
class Crossing {
public:
    Crossing(Channel<Item, S> channel, Tally& tally) : tally_(tally) {
        for (int index = 0; index < tasks - 1; ++index) {
            senders_.push_back(channel.sender.clone());
            receivers_.push_back(channel.receiver.clone());
        }
        senders_.push_back(std::move(channel.sender));
        receivers_.push_back(std::move(channel.receiver));
    }

    Task<int> body(Loop& loop) {
        Scope scope(loop);
        for (int index = 0; index < tasks_each; ++index) {
            scope.spawn(consume(taken(receivers_), tally_));
            scope.spawn(produce(taken(senders_)));
        }
        co_await scope.join();
        co_return 0;
    }

private:
    template <typename Handle>
    Handle taken(std::vector<Handle>& from) {
        const std::lock_guard lock(mutex_);
        Handle last(std::move(from.back()));
        from.pop_back();
        return last;
    }

    std::mutex mutex_;
    std::vector<S> senders_;
    std::vector<Receiver<Item>> receivers_;
    Tally& tally_;
};

template <typename S>
void cross(Channel<Item, S> channel, Tally& tally) {
    Crossing<S> crossing(std::move(channel), tally);
    const auto body = [&](Loop& loop, unsigned) { return crossing.body(loop); };
    CHECK(run_on_threads(loops, BackendKind::epoll, body) == 0);
    CHECK(tally.ends == tasks);
}

constexpr std::int64_t items = std::int64_t{tasks} * items_each;
constexpr std::int64_t sum_of_items = items * (items_each + 1) / 2;

TEST_CASE("channel: between eight loops nothing is lost and nothing doubled",
          "[runtime][channel][threads]") {
    Tally tally;
    SECTION("bounded") {
        cross(bounded_channel<Item>(4), tally);
    }
    SECTION("rendezvous") {
        cross(rendezvous_channel<Item>(), tally);
    }
    SECTION("unbounded") {
        cross(unbounded_channel<Item>(), tally);
    }
    CHECK(tally.count == items);
    CHECK(tally.sum == sum_of_items);
}

TEST_CASE("broadcast: between eight loops every receiver gets everything",
          "[runtime][channel][threads]") {
    Tally tally;
    cross(broadcast_channel<Item>(4), tally);
    CHECK(tally.count == tasks * items);
    CHECK(tally.sum == tasks * sum_of_items);
}

TEST_CASE("channel: those that overwrite do so between eight loops too",
          "[runtime][channel][threads]") {
    Tally tally;
    SECTION("overwriting") {
        cross(overwriting_channel<Item>(4), tally);
    }
    SECTION("latest") {
        cross(latest_channel<Item>(), tally);
    }
    CHECK(tally.count > 0);
}

// Reads are stopped all the time, at moments that nobody chose.
Task<> consume_with_stops(const Context& context, Receiver<Item>& receiver, Tally& tally) {
    while (true) {
        Running reading(context, receiver.read());
        co_await yield();
        reading.request_stop();
        co_await reading.join();
        const Result<std::optional<Item>> item = reading.take();
        if (item && !*item) {
            co_return;
        }
        if (item) {
            tally.sum += ***item;
            ++tally.count;
        }
    }
}

Task<int> consume_beside_stops(Loop& loop, Receiver<Item>& receiver, Tally& tally) {
    const Context context{&loop, nullptr};
    co_await consume_with_stops(context, receiver, tally);
    co_return 0;
}

// Writes again what came back.
Task<int> produce_with_stops(Loop& loop, Sender<Item>& sender) {
    const Context context{&loop, nullptr};
    for (int item = 1; item <= items_each; ++item) {
        std::optional<Item> left = std::make_shared<const int>(item);
        while (left) {
            Running writing(context, sender.write(*std::exchange(left, std::nullopt)));
            co_await yield();
            writing.request_stop();
            co_await writing.join();
            Sent<Item> sent = writing.take();
            if (!sent) {
                left = std::move(sent.error().item);
            }
        }
    }
    std::ignore = co_await sender.finish();
    co_return 0;
}

TEST_CASE("channel: stops that race hand-overs between threads lose nothing",
          "[runtime][channel][threads]") {
    Channel<Item, BoundedSender<Item>> channel = bounded_channel<Item>(1);
    Tally tally;
    const auto body = [&](Loop& loop, unsigned index) {
        return index == 0 ? produce_with_stops(loop, channel.sender)
                          : consume_beside_stops(loop, channel.receiver, tally);
    };
    CHECK(run_on_threads(2, BackendKind::epoll, body) == 0);
    CHECK(tally.count == items_each);
    CHECK(tally.sum == sum_of_items / tasks);
}

Task<> count_under_lock(Mutex& mutex, std::int64_t& count) {
    for (int turn = 0; turn < items_each; ++turn) {
        const Result<Mutex::Lock> lock = co_await mutex.lock();
        const std::int64_t before = count;
        if (turn % 16 == 0) {
            co_await yield();
        }
        count = before + 1;
    }
}

Task<int> count_twice(Loop& loop, Mutex& mutex, std::int64_t& count) {
    Scope scope(loop);
    scope.spawn(count_under_lock(mutex, count));
    scope.spawn(count_under_lock(mutex, count));
    co_await scope.join();
    co_return 0;
}

TEST_CASE("mutex: it keeps the tasks of eight loops apart", "[runtime][mutex][threads]") {
    Mutex mutex;
    std::int64_t count = 0;
    const auto body = [&](Loop& loop, unsigned) { return count_twice(loop, mutex, count); };
    CHECK(run_on_threads(loops, BackendKind::io_uring, body) == 0);
    CHECK(count == items);
}

Task<> add_in_two_steps(std::int64_t& count) {
    const std::int64_t before = count;
    co_await yield();
    count = before + 1;
}

Task<int> modify_often(Serialized<std::int64_t>& count) {
    for (int turn = 0; turn < items_each; ++turn) {
        co_await count.modify(add_in_two_steps);
    }
    co_return 0;
}

Task<> look(std::int64_t& count, std::int64_t& seen) {
    seen = count;
    co_return;
}

Task<int> modify_and_look(Serialized<std::int64_t>& count, std::int64_t& seen) {
    const int status = co_await modify_often(count);
    co_await count.modify(look, std::ref(seen));
    co_return status;
}

TEST_CASE("serialized: it keeps the tasks of eight loops apart", "[runtime][serialized][threads]") {
    Serialized<std::int64_t> count(std::int64_t{0});
    std::array<std::int64_t, loops> seen{};
    const auto body = [&](Loop&, unsigned index) { return modify_and_look(count, seen.at(index)); };
    CHECK(run_on_threads(loops, BackendKind::epoll, body) == 0);
    CHECK(std::ranges::max(seen) == int{loops} * items_each);
}

// An actor on another thread, whose callers come and go.
struct Increment {
    int amount;
    Sender<int> total;
};

Task<int> serve_increments(Receiver<Increment> mailbox) {
    int total = 0;
    while (true) {
        Result<std::optional<Increment>> message = co_await mailbox.read();
        if (!message || !*message) {
            co_return 0;
        }
        total += (**message).amount;
        std::ignore = co_await (**message).total.write(total);
    }
}

Task<int> call_often(Loop& loop, Sender<Increment> actor) {
    const Context context{&loop, nullptr};
    for (int turn = 0; turn < items_each / 4; ++turn) {
        auto make = [](Sender<int> reply) { return Increment{1, std::move(reply)}; };
        Running calling(context, call<int>(actor, make));
        if (turn % 4 == 0) {
            co_await yield();
            calling.request_stop();
        }
        co_await calling.join();
        const Result<int> total = calling.take();
        if (!total && total.error().code != Errc::cancelled) {
            co_return 1;
        }
    }
    std::ignore = co_await actor.finish();
    co_return 0;
}

TEST_CASE("call: an actor on another thread answers, also those that no longer wait",
          "[runtime][actor][threads]") {
    auto [sender, receiver] = bounded_channel<Increment>(4);
    std::optional<Sender<Increment>> address(std::move(sender));
    std::optional<Receiver<Increment>> mailbox(std::move(receiver));
    const auto body = [&](Loop& loop, unsigned index) {
        return index == 0 ? call_often(loop, std::move(*address))
                          : serve_increments(std::move(*mailbox));
    };
    CHECK(run_on_threads(2, BackendKind::epoll, body) == 0);
}

}  // namespace
}  // namespace sluice::tests
