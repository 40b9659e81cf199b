#include "sluice/runtime/await.h"

#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"

#include <chrono>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

Task<> set_after(Duration duration, Event& event) {
    co_await sleep_for(duration);
    event.set();
}

Task<> waits_for_an_event(World& world) {
    Event event;
    Scope scope(world.loop);
    const Instant before = world.loop.now();
    scope.spawn(set_after(10ms, event));
    const bool happened = co_await event.wait();
    CHECK(happened);
    CHECK(world.loop.now() - before >= 10ms);
    co_await scope.join();

    event.set();  // Twice is once.
    const bool at_once = co_await event.wait();
    CHECK(at_once);
    event.reset();
    CHECK(!event.is_set());
}

TEST_CASE("event: whoever waits goes on when it happens, and at once when it has happened",
          "[runtime][await]") {
    run({}, waits_for_an_event);
}

Task<> set_for_a_moment(Event& event) {
    co_await sleep_for(10ms);
    event.set();
    event.reset();
}

Task<> set_and_take_back(World& world) {
    Event event;
    Scope scope(world.loop);
    scope.spawn(set_for_a_moment(event));
    const bool happened = co_await event.wait();
    CHECK(happened);
    co_await scope.join();
    CHECK(!event.is_set());
}

TEST_CASE("event: one that was taken back has still happened to whoever waited",
          "[runtime][await]") {
    run({}, set_and_take_back);
}

Task<> wait_regardless(Event& event, bool& happened) {
    happened = co_await event.wait_regardless();
}

Task<> stop_does_not_reach(World& world) {
    Event event;
    bool happened = false;
    Scope scope(world.loop);
    scope.spawn(wait_regardless(event, happened));
    co_await sleep_for(1ms);
    scope.request_stop();
    co_await sleep_for(1ms);
    CHECK(scope.running() == 1);
    event.set();
    co_await scope.join();
    CHECK(happened);
}

TEST_CASE("event: a wait regardless of stops is not cut short", "[runtime][await]") {
    run({}, stop_does_not_reach);
}

Task<> sleeps(World& world) {
    const Instant before = world.loop.now();
    const bool past = co_await sleep_until(before - 1ms);
    CHECK(past);
    const bool later = co_await sleep_for(1h);
    CHECK(later);
    CHECK(world.loop.now() - before >= 1h);
    CHECK(world.loop.now() - before < 1h + 10ms);
    CHECK(world.loop.timers().armed() == 0);
}

TEST_CASE("sleep: it lasts its time, which the simulator skips", "[runtime][await]") {
    run({}, sleeps);
}

Task<> knows_where_it_runs(World& world) {
    const Context context = co_await this_task();
    CHECK(context.loop == &world.loop);
    CHECK(context.stop == nullptr);  // Nobody can ask the root.
    co_await yield();
}

TEST_CASE("this_task: a task knows its loop and who may stop it", "[runtime][await]") {
    run({}, knows_where_it_runs);
}

}  // namespace
}  // namespace sluice::tests
