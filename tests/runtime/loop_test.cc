#include "sluice/runtime/loop.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

Task<> say_in_turns(std::string& said, char letter, int times) {
    for (int each = 0; each < times; ++each) {
        said += letter;
        co_await yield();
    }
}

Task<std::string> three_take_turns(World& world) {
    std::string said;
    Scope scope(world.loop);
    scope.spawn(say_in_turns(said, 'a', 3));
    scope.spawn(say_in_turns(said, 'b', 2));
    scope.spawn(say_in_turns(said, 'c', 3));
    co_await scope.join();
    co_return said;
}

TEST_CASE("loop: tasks that are ready take turns, in the order in which they became so",
          "[runtime][loop]") {
    CHECK(run({}, three_take_turns) == "abcabcac");
}

Task<> yield_until(const bool& done, std::uint64_t& turns) {
    while (!done) {
        ++turns;
        co_await yield();
    }
}

Task<int> ready() {
    co_return 1;
}

Task<> await_until(const bool& done, std::uint64_t& turns) {
    while (!done) {
        const int one = co_await ready();
        turns += static_cast<std::uint64_t>(one);
    }
}

Task<> play(Sender<int>& to, Receiver<int>& from, const bool& done, std::uint64_t& turns) {
    bool more = true;
    while (more && !done) {
        const Sent<int> sent = co_await to.write(1);
        const Result<std::optional<int>> item = co_await from.read();
        more = sent && item && *item;
        ++turns;
    }
    const Result<void> finished = co_await to.finish();
    CHECK(finished);
}

Task<> play_until(const bool& done, std::uint64_t& turns) {
    const Context context = co_await this_task();
    auto [to_left, at_left] = unbounded_channel<int>();
    auto [to_right, at_right] = unbounded_channel<int>();
    Scope both(context);
    both.spawn(play(to_right, at_left, done, turns));
    both.spawn(play(to_left, at_right, done, turns));
    co_await both.join();
}

template <typename Busy>
Task<Duration> timer_beside(World& world, Busy busy) {
    bool done = false;
    std::uint64_t turns = 0;
    Scope scope(world.loop);
    scope.spawn(busy(done, turns));
    const Instant before = world.loop.now();
    co_await sleep_for(1ms);
    const Duration took = world.loop.now() - before;
    done = true;
    co_await scope.join();
    CHECK(turns > 100);
    co_return took;
}

TEST_CASE("loop: a task that is always ready delays no timer", "[runtime][loop]") {
    CHECK(run({}, [](World& world) { return timer_beside(world, yield_until); }) < 3ms);
    CHECK(run({}, [](World& world) { return timer_beside(world, await_until); }) < 3ms);
    CHECK(run({}, [](World& world) { return timer_beside(world, play_until); }) < 3ms);
}

class Message final : public Posted {
public:
    Message(std::vector<int>& arrived, int number, Event& all) noexcept
        : arrived_(arrived), number_(number), all_(all) {}
    void arrived() noexcept override {
        arrived_.push_back(number_);
        if (arrived_.size() == 3) {
            all_.set();
        }
    }

private:
    std::vector<int>& arrived_;
    int number_;
    Event& all_;
};

Task<std::vector<int>> receive_posted(World& world) {
    std::vector<int> arrived;
    Event all;
    std::array<Message, 3> messages{Message(arrived, 1, all), Message(arrived, 2, all),
                                    Message(arrived, 3, all)};
    std::thread sender([&] {
        for (Message& each : messages) {
            world.loop.post(each);
        }
    });
    co_await all.wait();
    sender.join();
    co_return arrived;
}

TEST_CASE("loop: what another thread posts arrives, in its order", "[runtime][loop]") {
    for (int round = 0; round < 50; ++round) {
        CHECK(run({.other_threads = true}, receive_posted) == std::vector<int>{1, 2, 3});
    }
}

}  // namespace
}  // namespace sluice::tests
