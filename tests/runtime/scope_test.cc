#include "sluice/runtime/scope.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/death.h"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

Task<> note_after(Duration duration, std::vector<int>& notes, int note) {
    const bool passed = co_await sleep_for(duration);
    notes.push_back(passed ? note : -note);
}

Task<std::vector<int>> three_in_their_own_time(World& world) {
    std::vector<int> notes;
    Scope scope(world.loop);
    scope.spawn(note_after(30ms, notes, 3));
    scope.spawn(note_after(10ms, notes, 1));
    scope.spawn(note_after(20ms, notes, 2));
    notes.push_back(static_cast<int>(scope.running()));
    co_await scope.join();
    notes.push_back(static_cast<int>(scope.running()));
    co_return notes;
}

TEST_CASE("scope: join waits for all that was spawned", "[runtime][scope]") {
    CHECK(run({}, three_in_their_own_time) == std::vector<int>{3, 1, 2, 3, 0});
}

Task<> spawn_another(Scope& scope, std::vector<int>& notes) {
    scope.spawn(note_after(10ms, notes, 2));
    notes.push_back(1);
    co_return;
}

Task<std::vector<int>> spawned_while_joined(World& world) {
    std::vector<int> notes;
    Scope scope(world.loop);
    scope.spawn(spawn_another(scope, notes));
    co_await scope.join();
    scope.spawn(note_after(10ms, notes, 3));
    co_await scope.join();
    co_return notes;
}

TEST_CASE("scope: a task may spawn more, and a joined scope may be used again",
          "[runtime][scope]") {
    CHECK(run({}, spawned_while_joined) == std::vector<int>{1, 2, 3});
}

Task<std::vector<int>> stopped(World& world) {
    std::vector<int> notes;
    Scope scope(world.loop);
    scope.spawn(note_after(10ms, notes, 1));
    scope.spawn(note_after(1h, notes, 2));
    co_await sleep_for(20ms);
    scope.request_stop();
    co_await scope.join();
    co_return notes;
}

TEST_CASE("scope: a stop asks those that still run, and join has their answers",
          "[runtime][scope]") {
    CHECK(run({}, stopped) == std::vector<int>{1, -2});
}

Task<> child_scope(std::vector<int>& notes) {
    const Context context = co_await this_task();
    Scope scope(context);
    scope.spawn(note_after(1h, notes, 1));
    co_await scope.join();
    notes.push_back(2);
}

Task<std::vector<int>> stopped_from_above(World& world) {
    std::vector<int> notes;
    Scope scope(world.loop);
    scope.spawn(child_scope(notes));
    co_await sleep_for(20ms);
    scope.request_stop();
    co_await scope.join();
    co_return notes;
}

TEST_CASE("scope: a stop from above reaches the tasks, and the join still awaits them",
          "[runtime][scope]") {
    CHECK(run({}, stopped_from_above) == std::vector<int>{-1, 2});
}

Task<> fail_after(Duration duration, std::string what) {
    co_await sleep_for(duration);
    throw std::runtime_error(what);
}

Task<std::string> two_fail(World& world, std::vector<int>& notes) {
    Scope scope(world.loop);
    scope.spawn(note_after(1h, notes, 1));
    scope.spawn(fail_after(20ms, "second"));
    scope.spawn(fail_after(10ms, "first"));
    try {
        co_await scope.join();
    } catch (const std::runtime_error& error) {
        co_return error.what();
    }
    co_return "nothing";
}

TEST_CASE("scope: the first exception stops the others and leaves join once all have ended",
          "[runtime][scope]") {
    std::vector<int> notes;
    CHECK(run({}, [&](World& world) { return two_fail(world, notes); }) == "first");
    CHECK(notes == std::vector<int>{-1});
}

Task<> leave_without_join(World& world) {
    Scope scope(world.loop);
    std::vector<int> notes;
    scope.spawn(note_after(1h, notes, 1));
    co_return;
}

TEST_CASE("scope: to leave one that was not joined is a bug, and stops the process",
          "[runtime][scope]") {
    const std::optional<std::string> said = death_of([] { run({}, leave_without_join); });
    REQUIRE(said.has_value());
    CHECK(said->find("a Scope was destroyed with 1 tasks running") != std::string::npos);
    CHECK(said->find("note_after") != std::string::npos);
}

Task<> leave_by_an_exception(World& world) {
    Scope scope(world.loop);
    std::vector<int> notes;
    scope.spawn(note_after(1h, notes, 1));
    scope.spawn(note_after(2h, notes, 2));
    co_await sleep_for(1ms);
    throw std::runtime_error("on the way to join()");
}

Task<> catch_what_leaves(World& world) {
    try {
        co_await leave_by_an_exception(world);
    } catch (const std::runtime_error&) {
    }
}

TEST_CASE("scope: an exception that passes one with live tasks does not detach them",
          "[runtime][scope]") {
    const std::optional<std::string> said = death_of([] { run({}, catch_what_leaves); });
    REQUIRE(said.has_value());
    CHECK(said->find("a Scope was destroyed with 2 tasks running") != std::string::npos);
}

Task<int> answer_after(Duration duration) {
    const bool passed = co_await sleep_for(duration);
    co_return passed ? 1 : 0;
}

Task<int> fail_running() {
    co_await sleep_for(1ms);
    throw std::runtime_error("running");
}

Task<std::vector<int>> running_tasks(World&) {
    std::vector<int> answers;
    const Context context = co_await this_task();
    Running<int> left(context, answer_after(10ms));
    Running<int> asked(context, answer_after(1h));
    Running<int> failed(context, fail_running());
    Event any;
    left.notify(any);
    answers.push_back(left.is_done() ? 1 : 0);
    co_await any.wait();
    answers.push_back(left.is_done() ? 1 : 0);
    asked.request_stop();
    co_await asked.join();
    co_await left.join();
    co_await failed.join();
    answers.push_back(left.take());
    answers.push_back(asked.take());
    try {
        answers.push_back(failed.take());
    } catch (const std::runtime_error&) {
        answers.push_back(9);
    }
    co_return answers;
}

TEST_CASE("scope: a running task is joined, and its answer or its exception taken",
          "[runtime][scope]") {
    CHECK(run({}, running_tasks) == std::vector<int>{0, 1, 1, 0, 9});
}

}  // namespace
}  // namespace sluice::tests
