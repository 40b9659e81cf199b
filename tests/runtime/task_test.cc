#include "sluice/runtime/task.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/no_suspend.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/death.h"

#include <memory>
#include <stdexcept>
#include <string>

namespace sluice::tests {
namespace {

using simulation::run;
using simulation::World;

template <typename T>
T finished(Task<T> task) {
    return run({}, [&](World&) { return std::move(task); });
}

Task<int> value(int of) {
    co_return of;
}

Task<> mark(bool& started) {
    started = true;
    co_return;
}

Task<std::unique_ptr<int>> only_movable() {
    co_return std::make_unique<int>(7);
}

Task<int> throwing() {
    co_await yield();
    throw std::runtime_error("mine");
}

Task<int> through() {
    const int never_had = co_await throwing();
    co_return never_had;
}

Task<std::string> caught() {
    try {
        co_await through();
    } catch (const std::runtime_error& error) {
        co_return error.what();
    }
    co_return "nothing";
}

Task<std::uint64_t> sum_of_ready_tasks(int count) {
    std::uint64_t sum = 0;
    for (int each = 0; each < count; ++each) {
        const int one = co_await value(1);
        sum += static_cast<std::uint64_t>(one);
    }
    co_return sum;
}

Task<int> nested(int depth) {
    if (depth == 0) {
        co_return 0;
    }
    const int below = co_await nested(depth - 1);
    co_return below + 1;
}

TEST_CASE("task: nothing runs until it is awaited", "[runtime][task]") {
    bool started = false;
    {
        const Task<> task = mark(started);
        CHECK(!started);
    }
    CHECK(!started);
    finished(mark(started));
    CHECK(started);
}

TEST_CASE("task: it yields its value, also one that can only be moved", "[runtime][task]") {
    CHECK(finished(value(42)) == 42);
    CHECK(*finished(only_movable()) == 7);
}

TEST_CASE("task: what user code throws passes through every task unchanged", "[runtime][task]") {
    CHECK(finished(caught()) == "mine");
    CHECK_THROWS_AS(finished(through()), std::runtime_error);
}

TEST_CASE("task: five million awaits that never suspend do not overflow the stack",
          "[runtime][task]") {
    CHECK(finished(sum_of_ready_tasks(5'000'000)) == 5'000'000);
}

TEST_CASE("task: a chain a hundred thousand deep neither overflows the stack nor loses its way",
          "[runtime][task]") {
    CHECK(finished(nested(100'000)) == 100'000);
}

Task<int> blocks_inside(Loop& loop) {
    const int result = block_on(loop, value(1));
    co_return result;
}

TEST_CASE("task: block_on inside a task is refused with a diagnosis", "[runtime][task]") {
    const auto said =
        death_of([] { run({}, [](World& world) { return blocks_inside(world.loop); }); });
    CHECK(said.value_or("").find("co_await the task") != std::string::npos);
}

Task<> holds_over(Loop& loop) {
    const NoSuspend briefly;
    co_await sleep_until(loop.now());
}

Task<> holds_briefly(Loop& loop) {
    {
        const NoSuspend briefly;
        const NoSuspend nested;
        const int result = co_await value(1);  // It does not give up the thread.
        CHECK(result == 1);
    }
    co_await sleep_until(loop.now());
}

TEST_CASE("task: what must not be held over a co_await aborts there, and says where it was made",
          "[runtime][task]") {
    const auto said =
        death_of([] { run({}, [](World& world) { return holds_over(world.loop); }); });
    CHECK(said.value_or("").find("task_test.cc") != std::string::npos);
    CHECK(said.value_or("").find("held over a co_await") != std::string::npos);
    run({}, [](World& world) { return holds_briefly(world.loop); });
}

TEST_CASE("task: block_on again after the first has ended is no nesting", "[runtime][task]") {
    CHECK(finished(value(1)) == 1);
    CHECK_THROWS(finished(throwing()));
    CHECK(finished(value(2)) == 2);
}

}  // namespace
}  // namespace sluice::tests
