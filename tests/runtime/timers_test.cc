#include "sluice/runtime/timers.h"

#include "sluice/runtime/simulation/random.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/simulation.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;

// How late a timer may be.
constexpr Duration tick{1 << 20};

class Recording final : public Timer {
public:
    explicit Recording(std::vector<int>& fired, int name) noexcept : fired_(fired), name_(name) {}
    void fired() noexcept override { fired_.push_back(name_); }

private:
    std::vector<int>& fired_;
    int name_;
};

// Advances as a loop does: to what next() says, again and again.
void run_until(Timers& timers, Instant end) {
    for (Instant next = timers.next(); next <= end; next = timers.next()) {
        timers.advance(next);
    }
    timers.advance(end);
}

TEST_CASE("timers: one fires at its instant or within a tick after it, never before",
          "[runtime][timers]") {
    const Duration due = GENERATE(Duration{0}, Duration{1}, 1ms, 63ms, 64ms, 65ms, 1s, 1min, 25h,
                                  Duration{400 * 24h});
    Timers timers;
    std::vector<int> fired;
    Recording timer(fired, 1);
    timers.advance(5ms);
    timers.arm(timer, 5ms + due);
    run_until(timers, 5ms + due - Duration{1});
    CHECK(fired.empty());
    run_until(timers, 5ms + due + tick);
    CHECK(fired.size() == 1);
    CHECK(!timer.armed());
    CHECK(timers.armed() == 0);
    CHECK(timers.next() == never);
}

TEST_CASE("timers: a disarmed or destroyed timer does not fire", "[runtime][timers]") {
    Timers timers;
    std::vector<int> fired;
    Recording disarmed(fired, 1);
    timers.arm(disarmed, 10ms);
    disarmed.disarm();
    disarmed.disarm();
    {
        Recording destroyed(fired, 2);
        timers.arm(destroyed, 10ms);
    }
    CHECK(timers.armed() == 0);
    run_until(timers, 1s);
    CHECK(fired.empty());
}

TEST_CASE("timers: arming an armed timer moves it", "[runtime][timers]") {
    Timers timers;
    std::vector<int> fired;
    Recording timer(fired, 1);
    timers.arm(timer, 10ms);
    timers.arm(timer, 10h);
    CHECK(timers.armed() == 1);
    run_until(timers, 1h);
    CHECK(fired.empty());
    timers.arm(timer, 1h + 10ms);
    run_until(timers, 1h + 12ms);
    CHECK(fired.size() == 1);
}

class Disarming final : public Timer {
public:
    explicit Disarming(Timer& other) noexcept : other_(other) {}
    void fired() noexcept override {
        ++count;
        other_.disarm();
    }
    int count = 0;

private:
    Timer& other_;
};

TEST_CASE("timers: one that fires may disarm another that is due as well", "[runtime][timers]") {
    Timers timers;
    std::vector<int> fired;
    Recording victim(fired, 1);
    Disarming first(victim);
    Disarming second(victim);
    timers.arm(first, 10ms);
    timers.arm(victim, 10ms);
    timers.arm(second, 10ms);
    run_until(timers, 20ms);
    CHECK(first.count + second.count == 2);
    CHECK(fired.empty());
    CHECK(timers.armed() == 0);
}

class Repeating final : public Timer {
public:
    explicit Repeating(Timers& timers) noexcept : timers_(timers) {}
    void fired() noexcept override {
        ++count;
        timers_.arm(*this, Instant::min());
    }
    int count = 0;

private:
    Timers& timers_;
};

TEST_CASE("timers: one that arms itself anew waits for the next turn, though it is due",
          "[runtime][timers]") {
    Timers timers;
    Repeating timer(timers);
    timers.arm(timer, 10ms);
    timers.advance(20ms);
    CHECK(timer.count == 1);
    timers.advance(25ms);
    CHECK(timer.count == 2);
    timer.disarm();
}

TEST_CASE("timers: one for never does not fire, nor keeps anybody from waiting",
          "[runtime][timers]") {
    Timers timers;
    std::vector<int> fired;
    Recording timer(fired, 1);
    Recording far(fired, 2);
    timers.arm(timer, 1s);
    timers.arm(timer, never);
    CHECK(!timer.armed());
    CHECK(timers.next() == never);
    timers.arm(far, never - 1ns);
    CHECK(timers.next() > 24h);
    run_until(timers, 24h);
    CHECK(fired.empty());
}

TEST_CASE("timers: they fire as a sorted list would, whatever is armed, moved and disarmed",
          "[runtime][timers]") {
    for_each_seed(200, [](std::uint64_t seed) {
        simulation::Random random(seed);
        Timers timers;
        std::vector<int> fired;
        std::deque<Recording> pool;
        std::vector<std::optional<Instant>> model(50);
        for (int name = 0; name < 50; ++name) {
            pool.emplace_back(fired, name);
        }
        Instant now{0};
        for (int step = 0; step < 400; ++step) {
            const std::size_t chosen = random.below(pool.size());
            if (random.chance(20)) {
                pool[chosen].disarm();
                model[chosen].reset();
            } else {
                const auto magnitude = std::uint64_t{1} << random.below(45);
                const Instant due = now + Duration(random.below(magnitude + 1));
                timers.arm(pool[chosen], due);
                model[chosen] = due;
            }
            // Whoever sleeps until next() must not oversleep the earliest timer.
            const auto earliest = std::ranges::min_element(
                model, {}, [](const auto& due) { return due.value_or(never); });
            REQUIRE(timers.next() <= earliest->value_or(never - tick) + tick);

            now += Duration(random.below(std::uint64_t{1} << random.below(40)));
            run_until(timers, now);
            for (const int name : fired) {
                std::optional<Instant>& due = model[static_cast<std::size_t>(name)];
                REQUIRE(due.has_value());
                REQUIRE(*due <= now);
                due.reset();
            }
            fired.clear();
            const auto overdue = [&](const auto& due) { return due && *due + tick <= now; };
            REQUIRE(std::ranges::none_of(model, overdue));
        }
    });
}

}  // namespace
}  // namespace sluice::tests
