#include "sluice/runtime/mutex.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

Task<> acquire_until(World& world, Mutex& mutex, Instant end, bool& is_held, int& acquisitions) {
    while (world.loop.now() < end) {
        const Result<Mutex::Lock> lock = co_await mutex.lock();
        CHECK_FALSE(std::exchange(is_held, true));
        ++acquisitions;
        co_await sleep_for(1ms);
        is_held = false;
    }
}

Task<> fight_for_a_lock(World& world, std::array<int, 8>& acquisitions) {
    Mutex mutex;
    bool is_held = false;
    Scope scope(world.loop);
    const Instant end = world.loop.now() + 1s;
    for (int& of_one : acquisitions) {
        scope.spawn(acquire_until(world, mutex, end, is_held, of_one));
    }
    co_await scope.join();
}

TEST_CASE("mutex: of eight tasks at a hot lock, each gets its share", "[runtime][mutex]") {
    std::array<int, 8> acquisitions{};
    run({}, [&](World& world) { return fight_for_a_lock(world, acquisitions); });
    const auto [least, most] = std::ranges::minmax(acquisitions);
    CHECK(least >= 50);
    CHECK(most * 10 <= least * 11);
}

Task<> note_when_locked(Mutex& mutex, int name, std::vector<int>& order) {
    const Result<Mutex::Lock> lock = co_await mutex.lock();
    order.push_back(lock ? name : -name);
}

Task<> stop_in_line(World& world, bool granted, std::vector<int>& order) {
    Mutex mutex;
    const Context context{&world.loop, nullptr};
    std::optional<Mutex::Lock> held = mutex.try_lock(world.loop);
    CHECK_FALSE(mutex.try_lock(world.loop).has_value());
    Scope first(context);
    Scope others(context);
    first.spawn(note_when_locked(mutex, 1, order));
    co_await sleep_for(1ms);
    others.spawn(note_when_locked(mutex, 2, order));
    others.spawn(note_when_locked(mutex, 3, order));
    co_await sleep_for(1ms);
    if (granted) {
        held.reset();  // The first in line has it now, and has not run since.
        first.request_stop();
    } else {
        first.request_stop();
        co_await first.join();
        CHECK(order == std::vector<int>{-1});
        held.reset();
    }
    co_await first.join();
    co_await others.join();
    CHECK(mutex.try_lock(world.loop).has_value());
}

TEST_CASE("mutex: a waiter that is stopped leaves the line, or passes on what it was given",
          "[runtime][mutex]") {
    const bool granted = GENERATE(false, true);
    std::vector<int> order;
    run({}, [&](World& world) { return stop_in_line(world, granted, order); });
    CHECK(order == std::vector<int>{granted ? 1 : -1, 2, 3});
}

Task<Result<int>> use(Mutex& mutex, Duration duration) {
    const Result<Mutex::Lock> lock = co_await mutex.lock();
    if (!lock) {
        co_return failed(lock);
    }
    co_await sleep_for(duration);
    co_return 1;
}

Task<Result<int>> answer_after(Duration duration) {
    co_await sleep_for(duration);
    co_return 2;
}

// Oxide's RFD 609: a task asks for a lock in one branch of a choice, another branch wins, and in it
// the same task asks for the lock again. Where futures are polled, the first request may have been
// granted the lock with nobody left to poll it, and all wait for ever.
Task<> futurelock(World& world, int& completed) {
    Mutex mutex;
    Running holder(Context{&world.loop, nullptr}, use(mutex, 5s));
    co_await sleep_for(1ms);
    Task<First<Result<int>, Result<int>>> choice = when_any(use(mutex, 1ms), answer_after(500ms));
    const First<Result<int>, Result<int>> first = co_await choice;
    CHECK(first.index == 1);
    const Result<int> again = co_await use(mutex, 1ms);
    completed += again.has_value();
    co_await holder.join();
}

TEST_CASE("mutex: the futurelock program completes", "[runtime][mutex][rfd-609]") {
    int completed = 0;
    run({}, [&](World& world) { return futurelock(world, completed); });
    CHECK(completed == 1);
}

}  // namespace
}  // namespace sluice::tests
