#include "sluice/runtime/stop.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

class Counting final : public StopListener {
public:
    void stop_requested() noexcept override { ++asked; }
    int asked = 0;
};

TEST_CASE("stop: a request reaches every listener once, however often it is made",
          "[runtime][stop]") {
    StopSource source;
    Counting first;
    Counting second;
    REQUIRE(source.listen(first));
    REQUIRE(source.listen(second));
    source.request();
    source.request();
    CHECK(first.asked == 1);
    CHECK(second.asked == 1);
    CHECK(!first.linked());
    CHECK(source.requested());
}

TEST_CASE("stop: whoever is unlinked is not asked, from any place in the list", "[runtime][stop]") {
    const std::size_t gone = GENERATE(0U, 1U, 2U);
    StopSource source;
    std::array<Counting, 3> listeners;
    for (Counting& each : listeners) {
        REQUIRE(source.listen(each));
    }
    StopSource::unlink(listeners[gone]);
    StopSource::unlink(listeners[gone]);
    source.request();
    for (std::size_t index = 0; index < listeners.size(); ++index) {
        CHECK(listeners[index].asked == (index == gone ? 0 : 1));
    }
}

TEST_CASE("stop: a request flows down, and not up", "[runtime][stop]") {
    StopSource root;
    StopSource left(&root);
    StopSource right(&root);
    StopSource below(&left);
    left.request();
    CHECK(below.requested());
    CHECK(!root.requested());
    CHECK(!right.requested());
    root.request();
    CHECK(right.requested());
}

TEST_CASE("stop: below a source that was asked all has been asked", "[runtime][stop]") {
    StopSource root;
    root.request();
    StopSource below(&root);
    Counting late;
    CHECK(below.requested());
    CHECK(!below.listen(late));
    CHECK(!late.linked());
}

class Unlinking final : public StopListener {
public:
    explicit Unlinking(StopListener& other) noexcept : other_(other) {}
    void stop_requested() noexcept override { StopSource::unlink(other_); }

private:
    StopListener& other_;
};

TEST_CASE("stop: a listener that is asked may unlink another", "[runtime][stop]") {
    StopSource source;
    Counting other;
    Unlinking first(other);
    REQUIRE(source.listen(other));
    REQUIRE(source.listen(first));  // The latest is asked first.
    source.request();
    CHECK(other.asked == 0);
}

Task<> wait_for_octets(int fd, std::int32_t& result) {
    Perform polling(Poll{fd, 1});
    result = co_await polling;
}

Task<> sleep_once(Duration duration, bool& passed, Instant& at) {
    passed = co_await sleep_for(duration);
    const Context context = co_await this_task();
    at = context.loop->now();
}

Task<> wait_for_event(Event& event, bool& happened) {
    happened = co_await event.wait();
}

struct Answers {
    std::int32_t polled = 0;
    bool passed = true;
    bool happened = true;
    Instant slept_until{};
};

Task<Answers> stop_all(World& world) {
    Answers answers;
    Event event;
    const int fd = world.backend.listen(Endpoint::loopback(0), {}).value();
    const Context context = co_await this_task();
    Scope scope(context);
    scope.spawn(wait_for_octets(fd, answers.polled));
    scope.spawn(sleep_once(1h, answers.passed, answers.slept_until));
    scope.spawn(wait_for_event(event, answers.happened));
    co_await sleep_for(1s);
    scope.request_stop();
    co_await scope.join();
    world.backend.close(fd);
    co_return answers;
}

TEST_CASE("stop: whatever a task waits for, the wait ends and says so", "[runtime][stop]") {
    const Answers answers = run({}, stop_all);
    CHECK(answers.polled == -ECANCELED);
    CHECK(!answers.passed);
    CHECK(!answers.happened);
    CHECK(answers.slept_until < 1h);
}

Task<Answers> begin_when_stopped(World& world) {
    Answers answers;
    Event event;
    const int fd = world.backend.listen(Endpoint::loopback(0), {}).value();
    const Context context = co_await this_task();
    Scope scope(context);
    scope.request_stop();
    scope.spawn(wait_for_octets(fd, answers.polled));
    scope.spawn(sleep_once(1h, answers.passed, answers.slept_until));
    scope.spawn(wait_for_event(event, answers.happened));
    co_await scope.join();
    world.backend.close(fd);
    co_return answers;
}

TEST_CASE("stop: under a source that has been asked a wait does not begin", "[runtime][stop]") {
    const Answers answers = run({}, begin_when_stopped);
    CHECK(answers.polled == -ECANCELED);
    CHECK(!answers.passed);
    CHECK(!answers.happened);
}

}  // namespace
}  // namespace sluice::tests
