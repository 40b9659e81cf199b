#include "sluice/runtime/channel.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/death.h"
#include "sluice/tests/support/yields.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

using Shared = std::shared_ptr<int>;
using Owned = std::unique_ptr<int>;

// The kinds. `writes_wait`: a write waits where nobody reads; `items`: how many are written.
struct Oneshot {
    using Item = Owned;
    static constexpr bool writes_wait = false;
    static constexpr int items = 1;
    template <typename T>
    static auto make() {
        return oneshot_channel<T>();
    }
};
struct Bounded {
    using Item = Owned;
    static constexpr bool writes_wait = true;
    static constexpr int items = 100;
    template <typename T>
    static auto make() {
        return bounded_channel<T>(3);
    }
};
struct Unbounded : Bounded {
    static constexpr bool writes_wait = false;
    template <typename T>
    static auto make() {
        return unbounded_channel<T>();
    }
};
struct Rendezvous : Bounded {
    template <typename T>
    static auto make() {
        return rendezvous_channel<T>();
    }
};
struct Overwriting : Unbounded {
    template <typename T>
    static auto make() {
        return overwriting_channel<T>(3);
    }
};
struct Broadcast : Bounded {
    using Item = Shared;  // Everybody gets one.
    template <typename T>
    static auto make() {
        return broadcast_channel<T>(3);
    }
};
struct Latest : Unbounded {
    using Item = Shared;
    template <typename T>
    static auto make() {
        return latest_channel<T>();
    }
};

#define EVERY_KIND Oneshot, Bounded, Unbounded, Rendezvous, Overwriting, Broadcast, Latest
#define KINDS_FOR_ONE_READER Oneshot, Bounded, Unbounded, Rendezvous, Overwriting

static_assert(Sink<Sender<Owned>, Owned> && Sink<BoundedSender<Owned>, Owned>);
static_assert(ClosableSource<Receiver<Owned>> && TellsIdle<Receiver<Owned>>);
static_assert(std::is_same_v<ItemOf<Receiver<Owned>>, Owned>);

// What a program does with a channel and then looks at.
struct Seen {
    std::vector<int> items;
    std::optional<Errc> end;  // Errc::none: the proven end.
    int written = 0;
    std::optional<Errc> refused;
};

Task<> write_all(Sender<int> sender, int items, Seen& seen) {
    for (int item = 0; item < items; ++item) {
        const Sent<int> sent = co_await sender.write(item);
        if (!sent) {
            seen.refused = error_of(sent).code;
            co_return;
        }
        ++seen.written;
    }
    const Result<void> finished = co_await sender.finish();
    CHECK(finished.has_value());
}

Task<> read_all(Receiver<int>& receiver, Seen& seen) {
    while (!seen.end) {
        const Result<std::optional<int>> item = co_await receiver.read();
        if (!item) {
            seen.end = item.error().code;
        } else if (!*item) {
            seen.end = Errc::none;
        } else {
            seen.items.push_back(**item);
        }
    }
}

template <typename Kind>
Task<> pass_items(World& world, Seen& seen) {
    auto [sender, receiver] = Kind::template make<int>();
    Scope scope(world.loop);
    scope.spawn(read_all(receiver, seen));
    scope.spawn(write_all(std::move(sender), Kind::items, seen));
    co_await scope.join();
    CHECK(seen.items.size() + receiver.overwritten() == static_cast<std::size_t>(Kind::items));
    const Result<std::optional<int>> again = co_await receiver.read();
    CHECK(is_end(again));
}

TEMPLATE_TEST_CASE("channel: what is written is read, in order, up to the end, or was counted",
                   "[runtime][channel]", EVERY_KIND) {
    Seen seen;
    run({}, [&](World& world) { return pass_items<TestType>(world, seen); });
    CHECK(seen.written == TestType::items);
    CHECK(seen.end == Errc::none);
    for (std::size_t index = 1; index < seen.items.size(); ++index) {
        CHECK(seen.items[index] > seen.items[index - 1]);
    }
    REQUIRE_FALSE(seen.items.empty());
    CHECK(seen.items.back() == TestType::items - 1);
    constexpr bool may_lose =
        std::is_same_v<TestType, Overwriting> || std::is_same_v<TestType, Latest>;
    if (!may_lose) {
        CHECK(seen.items.size() == static_cast<std::size_t>(TestType::items));
    }
}

enum class Way { finish, abort, destroy };

// One item, if the channel keeps one for later, and then the sender goes its way.
template <typename Kind>
Task<> end_in(Way way, Seen& seen) {
    auto [sender, receiver] = Kind::template make<int>();
    constexpr bool keeps = !std::is_same_v<Kind, Rendezvous> && !std::is_same_v<Kind, Oneshot>;
    {
        auto going = std::move(sender);
        if (keeps) {
            const Sent<int> sent = co_await going.write(7);
            CHECK(sent.has_value());
        }
        if (way == Way::finish) {
            std::ignore = co_await going.finish();
        } else if (way == Way::abort) {
            going.abort();
        }
    }
    co_await read_all(receiver, seen);
    CHECK(seen.items == std::vector<int>(keeps ? 1 : 0, 7));
}

TEMPLATE_TEST_CASE("channel: a receiver tells the end, an abort and a dead sender apart",
                   "[runtime][channel]", EVERY_KIND) {
    const auto [how, told] = GENERATE(table<Way, Errc>(
        {{Way::finish, Errc::none}, {Way::abort, Errc::aborted}, {Way::destroy, Errc::abandoned}}));
    Seen seen;
    run({}, [&, way = how](World&) { return end_in<TestType>(way, seen); });
    CHECK(seen.end == told);
}

template <typename Kind>
Task<> end_all_in(World& world, Way first, Way second, Seen& seen) {
    auto [sender, receiver] = Kind::template make<int>();
    Scope scope(world.loop);
    scope.spawn(read_all(receiver, seen));
    for (const Way way : {first, second}) {
        co_await sleep_for(1ms);
        CHECK_FALSE(seen.end.has_value());
        auto going = way == first && !seen.refused ? sender.clone() : std::move(sender);
        seen.refused = Errc::none;  // The first has gone.
        if (way == Way::finish) {
            std::ignore = co_await going.finish();
        } else if (way == Way::abort) {
            going.abort();
        }
    }
    co_await scope.join();
}

TEMPLATE_TEST_CASE("channel: it ends when the last sender has gone, as badly as any of them went",
                   "[runtime][channel]", EVERY_KIND) {
    const auto [one, other, told] =
        GENERATE(table<Way, Way, Errc>({{Way::finish, Way::finish, Errc::none},
                                        {Way::abort, Way::finish, Errc::aborted},
                                        {Way::finish, Way::abort, Errc::aborted},
                                        {Way::destroy, Way::abort, Errc::aborted},
                                        {Way::abort, Way::destroy, Errc::aborted},
                                        {Way::destroy, Way::finish, Errc::abandoned}}));
    Seen seen;
    run({}, [&, first = one, second = other](World& world) {
        return end_all_in<TestType>(world, first, second, seen);
    });
    CHECK(seen.end == told);
}

// Writes until a write comes back, and looks at what comes back.
template <typename Item>
Task<> write_until_refused(Sender<Item>& sender, std::optional<Errc>& refused, int& taken) {
    while (!refused) {
        Item item = std::make_unique<int>(taken);
        const int* const same = item.get();
        const Sent<Item> sent = co_await sender.write(std::move(item));
        if (sent) {
            ++taken;
        } else {
            refused = error_of(sent).code;
            CHECK(sent.error().item.get() == same);
        }
    }
}

template <typename Kind>
Task<> refuse(World& world, bool closes, std::optional<Errc>& refused) {
    using Item = typename Kind::Item;
    auto [bound, receiver] = Kind::template make<Item>();
    Sender<Item>& sender = bound;
    std::optional going(std::move(receiver));
    int taken = 0;
    Scope scope(world.loop);
    if (Kind::writes_wait) {
        scope.spawn(write_until_refused(sender, refused, taken));
        co_await sleep_for(1ms);
        CHECK_FALSE(refused.has_value());  // It waits.
    }
    if (closes) {
        co_await going->close();
    }
    going.reset();
    if (!Kind::writes_wait) {
        scope.spawn(write_until_refused(sender, refused, taken));
    }
    co_await scope.join();
    const Result<void> finished = co_await sender.finish();
    CHECK(finished.error().code == refused);
    const Sent<Item> late = co_await sender.write(Item());
    CHECK(error_of(late).code == Errc::closed);
}

TEMPLATE_TEST_CASE("channel: an item that nobody will read comes back, and why",
                   "[runtime][channel]", EVERY_KIND) {
    const bool closes = GENERATE(true, false);
    std::optional<Errc> refused;
    run({}, [&](World& world) { return refuse<TestType>(world, closes, refused); });
    CHECK(refused == (closes ? Errc::aborted : Errc::abandoned));
}

template <typename Kind>
Task<> stop_a_reader(Context context, bool after_the_hand_over) {
    auto [sender, receiver] = Kind::template make<int>();
    Running reading(context, receiver.read());
    co_await sleep_for(1ms);
    if (after_the_hand_over) {
        const Sent<int> sent = sender.try_write(7);
        CHECK(sent.has_value());
    }
    reading.request_stop();
    co_await reading.join();
    const Result<std::optional<int>> read = reading.take();
    if (after_the_hand_over) {
        CHECK(yields(read, 7));
        co_return;
    }
    CHECK(read.error().code == Errc::cancelled);
    CHECK(receiver.is_idle());
    Running writing(context, sender.write(8));
    const Result<std::optional<int>> next = co_await receiver.read();
    CHECK(yields(next, 8));
    co_await writing.join();
    CHECK(writing.take().has_value());
}

TEMPLATE_TEST_CASE("channel: a stop that races a hand-over loses nothing", "[runtime][channel]",
                   EVERY_KIND) {
    const bool after_the_hand_over = GENERATE(false, true);
    run({}, [&](World& world) {
        return stop_a_reader<TestType>(Context{&world.loop, nullptr}, after_the_hand_over);
    });
}

Task<> stop_a_writer(Context context, Channel<Owned> channel, int fits) {
    auto& [sender, receiver] = channel;
    for (int item = 0; item < fits; ++item) {
        std::ignore = co_await sender.write(std::make_unique<int>(item));
    }
    Owned item = std::make_unique<int>(-1);
    const int* const same = item.get();
    Running stopped(context, sender.write(std::move(item)));
    Running next(context, sender.write(std::make_unique<int>(fits)));
    Running last(context, sender.write(std::make_unique<int>(fits + 1)));
    co_await sleep_for(1ms);
    CHECK_FALSE(stopped.is_done());
    stopped.request_stop();
    co_await stopped.join();
    const Sent<Owned> unsent = stopped.take();
    CHECK(error_of(unsent).code == Errc::cancelled);
    CHECK(unsent.error().item.get() == same);
    for (int expected = 0; expected < fits + 2; ++expected) {
        const Result<std::optional<Owned>> read = co_await receiver.read();
        CHECK(***read == expected);
        next.request_stop();  // It has been served by the first read.
    }
    co_await next.join();
    co_await last.join();
    CHECK(next.take().has_value());
    CHECK(last.take().has_value());
}

TEST_CASE("channel: a stopped writer has its item back, and the others keep their order",
          "[runtime][channel]") {
    run({}, [](World& world) {
        Channel<Owned> channel = rendezvous_channel<Owned>();
        return stop_a_writer(Context{&world.loop, nullptr}, std::move(channel), 0);
    });
    run({}, [](World& world) {
        auto [sender, receiver] = bounded_channel<Owned>(3);
        return stop_a_writer(Context{&world.loop, nullptr},
                             Channel<Owned>(std::move(sender), std::move(receiver)), 3);
    });
}

// Three readers wait, and three items come.
template <typename Kind>
Task<> serve_in_turn(Context context) {
    auto [sender, first] = Kind::template make<Owned>();
    auto second = first.clone();
    auto third = second.clone();
    Running reading_first(context, first.read());
    Running reading_second(context, second.read());
    Running reading_third(context, third.read());
    for (int item = 0; item < 3; ++item) {
        co_await sleep_for(1ms);
        const Sent<Owned> sent = co_await sender.write(std::make_unique<int>(item));
        if (std::is_same_v<Kind, Oneshot>) {
            break;
        }
        CHECK(sent.has_value());
    }
    co_await reading_first.join();
    co_await reading_second.join();
    co_await reading_third.join();
    const auto read_first = reading_first.take();
    const auto read_second = reading_second.take();
    const auto read_third = reading_third.take();
    CHECK(***read_first == 0);
    if (std::is_same_v<Kind, Oneshot>) {
        CHECK(is_end(read_second));
        CHECK(is_end(read_third));
    } else {
        CHECK(***read_second == 1);
        CHECK(***read_third == 2);
    }
}

TEMPLATE_TEST_CASE("channel: receivers that share its items are served in the order they came",
                   "[runtime][channel]", KINDS_FOR_ONE_READER) {
    run({}, [](World& world) { return serve_in_turn<TestType>(Context{&world.loop, nullptr}); });
}

Task<> leave_while_reading(World& world) {
    auto [sender, receiver] = bounded_channel<int>(1);
    std::optional going(std::move(receiver));
    Running reading(Context{&world.loop, nullptr}, going->read());
    co_await sleep_for(1ms);
    going.reset();
}

Task<> leave_while_writing(World& world) {
    auto [sender, receiver] = rendezvous_channel<int>();
    std::optional going(std::move(sender));
    Running writing(Context{&world.loop, nullptr}, going->write(1));
    co_await sleep_for(1ms);
    going.reset();
}

TEST_CASE("channel: who destroys an end under a call stops the process, and is told which",
          "[runtime][channel]") {
    const auto reading = death_of([] { run({}, leave_while_reading); });
    REQUIRE(reading.has_value());
    CHECK(reading->find("Receiver: destroyed while a read is in flight") != std::string::npos);
    const auto writing = death_of([] { run({}, leave_while_writing); });
    REQUIRE(writing.has_value());
    CHECK(writing->find("Sender: destroyed while a write is in flight") != std::string::npos);
}

}  // namespace
}  // namespace sluice::tests
