#include "sluice/runtime/actor.h"

#include "sluice/runtime/any_sink.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/yields.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

// What a counter is told. It never answers a negative amount.
struct Add {
    int amount;
    std::optional<Sender<int>> total;
};

static_assert(Sink<AnySink<Add>, Add>);

// Stops after `lives` messages, with what is in its mailbox unread.
Task<> count(Receiver<Add> mailbox, int lives) {
    int total = 0;
    for (; lives > 0; --lives) {
        Result<std::optional<Add>> message = co_await mailbox.read();
        if (!message || !*message) {
            co_return;
        }
        Add& add = **message;
        total += add.amount;
        if (add.total && add.amount >= 0) {
            const Sent<int> told = co_await add.total->write(total);
            CHECK(told.has_value());
        }
    }
}

Task<Result<int>> add(AnySink<Add> counter, int amount) {
    const auto ask = [amount](Sender<int> reply) { return Add{amount, std::move(reply)}; };
    const Result<int> total = co_await call<int>(counter, ask);
    co_return total;
}

// Each kind of mailbox serves, and the address does not know which it is.
Task<> ask_a_counter(World& world, AnySink<Add> address, Receiver<Add> mailbox) {
    Scope scope(world.loop);
    scope.spawn(count(std::move(mailbox), 4));
    Add five{5, std::nullopt};
    const Sent<Add> sent = co_await address.write(std::move(five));
    CHECK(sent.has_value());
    const Result<int> first = co_await add(address.clone(), 3);
    CHECK(first == 8);
    const Result<int> second = co_await add(address.clone(), 30);
    CHECK(second == 38);
    const Result<int> unanswered = co_await add(address.clone(), -1);
    CHECK(unanswered.error().code == Errc::abandoned);
    CHECK(unanswered.error().phase == Phase::read);
    co_await scope.join();
    const Result<int> too_late = co_await add(address.clone(), 1);
    CHECK(too_late.error().code == Errc::abandoned);
    CHECK(too_late.error().phase == Phase::write);
}

TEST_CASE("call: yields the reply, or that the actor has gone, whatever its mailbox is",
          "[runtime][actor]") {
    SECTION("bounded") {
        run({}, [](World& world) {
            auto [sender, receiver] = bounded_channel<Add>(2);
            return ask_a_counter(world, AnySink<Add>(std::move(sender)), std::move(receiver));
        });
    }
    SECTION("rendezvous") {
        run({}, [](World& world) {
            auto [sender, receiver] = rendezvous_channel<Add>();
            return ask_a_counter(world, AnySink<Add>(std::move(sender)), std::move(receiver));
        });
    }
    SECTION("unbounded") {
        run({}, [](World& world) {
            auto [sender, receiver] = unbounded_channel<Add>();
            return ask_a_counter(world, AnySink<Add>(std::move(sender)), std::move(receiver));
        });
    }
}

Task<> ask_one_that_goes(World& world) {
    auto [sender, receiver] = bounded_channel<Add>(4);
    const Context context{&world.loop, nullptr};
    AnySink<Add> address(std::move(sender));
    Running in_mailbox(context, add(address.clone(), 1));
    Running behind(context, add(address.clone(), 2));
    Add five{5, std::nullopt};
    const Sent<Add> sent = co_await address.write(std::move(five));
    CHECK(sent.has_value());  // It is in the mailbox, read or not.
    co_await sleep_for(1ms);
    CHECK_FALSE(in_mailbox.is_done());
    co_await receiver.close();
    co_await in_mailbox.join();
    co_await behind.join();
    CHECK(in_mailbox.take().error().code == Errc::abandoned);
    CHECK(behind.take().error().code == Errc::abandoned);
}

TEST_CASE("call: ends when a message goes down with its mailbox", "[runtime][actor]") {
    run({}, ask_one_that_goes);
}

Task<> outlive_the_original(World&) {
    auto [sender, receiver] = bounded_channel<int>(1);
    std::optional<AnySink<int>> original(std::move(sender));
    AnySink<int> clone = original->clone();
    original.reset();
    const Sent<int> sent = co_await clone.write(7);
    CHECK(sent.has_value());
    const Result<std::optional<int>> read = co_await receiver.read();
    CHECK(yields(read, 7));
    const Result<void> finished = co_await clone.finish();
    CHECK(finished.has_value());
    const Result<std::optional<int>> end = co_await receiver.read();
    CHECK(end.error().code == Errc::abandoned);  // The original was destroyed, not finished.
}

using Owned = std::unique_ptr<int>;

static_assert(Sink<AnySink<Owned>, Owned>);

AnySink<Owned> any_of(Channel<Owned> channel) {
    return {std::move(channel.sender)};
}

Task<> write_to_nobody(AnySink<Owned> address) {
    Owned item = std::make_unique<int>(7);
    const int* const same = item.get();
    const Sent<Owned> refused = co_await address.write(std::move(item));
    CHECK(error_of(refused).code == Errc::abandoned);
    CHECK(refused.error().item.get() == same);
}

TEST_CASE("any sink: what it does not take comes back, whichever channel is behind it",
          "[runtime][actor]") {
    for (auto* const make :
         {&unbounded_channel<Owned>, &rendezvous_channel<Owned>, &oneshot_channel<Owned>}) {
        run({}, [&](World&) { return write_to_nobody(any_of(make())); });
    }
}

TEST_CASE("any sink: a clone outlives what it was cloned from", "[runtime][actor]") {
    run({}, outlive_the_original);
}

// Interfaces whose functions are coroutines are ordinary interfaces, and what is called through a
// type-erased function is an ordinary Task.
class Command {
public:
    virtual ~Command() = default;
    virtual Task<Result<std::string>> execute(std::string_view argument) = 0;
};

class Echo final : public Command {
public:
    Task<Result<std::string>> execute(std::string_view argument) override {
        co_await sleep_for(1ms);
        co_return std::string(argument);
    }
};

Task<Result<std::string>> refuse(std::string_view) {
    co_return failure(Errc::denied, Phase::none);
}

Task<> look_up_and_run(World&) {
    using Handler = std::function<Task<Result<std::string>>(std::string_view)>;
    std::map<std::string, Handler> registry;
    const std::unique_ptr<Command> echo = std::make_unique<Echo>();
    registry["echo"] = [&](std::string_view argument) { return echo->execute(argument); };
    registry["refuse"] = refuse;
    const Result<std::string> echoed = co_await registry.at("echo")("hello");
    CHECK(echoed == "hello");
    const Result<std::string> refused = co_await registry.at("refuse")("hello");
    CHECK(refused.error().code == Errc::denied);
}

TEST_CASE("task: virtual functions and type-erased handlers may return one", "[runtime][task]") {
    run({}, look_up_and_run);
}

}  // namespace
}  // namespace sluice::tests
