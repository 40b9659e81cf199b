#include "sluice/runtime/watchdog.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/on_kernel.h"

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::tests {

using std::chrono::milliseconds;

// What a watchdog has reported, and how often it looked since.
class Reports {
public:
    explicit Reports(milliseconds limit)
        : watchdog_({.limit = limit, .report = [this](const Stall& stall) {
                         const std::lock_guard lock(mutex_);
                         stalls_.push_back(stall);
                     }}) {}

    [[nodiscard]] std::vector<Stall> all() const {
        const std::lock_guard lock(mutex_);
        return stalls_;
    }
    [[nodiscard]] std::uint64_t looks() const { return watchdog_.looks(); }

private:
    mutable std::mutex mutex_;
    std::vector<Stall> stalls_;
    Watchdog watchdog_;
};

// Blocks its thread until the watchdog has reported, and had time to do it again.
Task<int> blocking_handler(const Reports& reports) {
    const std::size_t before = reports.all().size();
    while (reports.all().size() == before) {
        ::poll(nullptr, 0, 200);
    }
    const std::uint64_t looks = reports.looks();
    while (reports.looks() < looks + 10) {
        ::poll(nullptr, 0, 5);
    }
    co_return 1;
}

Task<int> innocent_sibling(int turns) {
    for (int turn = 0; turn < turns; ++turn) {
        co_await yield();
    }
    co_return 2;
}

Task<int> blocking_branch(const Reports& reports) {
    co_await yield();
    const int done = co_await blocking_handler(reports);
    co_return done;
}

namespace {

bool contains(const std::string& text, std::string_view wanted) {
    UNSCOPED_INFO(text);
    return text.find(wanted) != std::string::npos;
}

TEST_CASE("watchdog: a handler that sleeps is reported once, by name and with its stack",
          "[runtime][watchdog]") {
    const Reports reports(milliseconds(20));
    on_kernel(blocking_handler(reports));
    const std::vector<Stall> stalls = reports.all();
    REQUIRE(stalls.size() == 1);
    CHECK(stalls[0].task == "sluice::tests::blocking_handler");
    CHECK(stalls[0].at_least >= milliseconds(20));
    CHECK(contains(describe(stalls[0]), "sluice::Loop::run_ready"));
}

TEST_CASE("watchdog: of two stalls each is reported", "[runtime][watchdog]") {
    const Reports reports(milliseconds(20));
    on_kernel(blocking_handler(reports));
    on_kernel(blocking_handler(reports));
    CHECK(reports.all().size() == 2);
}

Task<int> many_turns(const Reports& reports) {
    const std::uint64_t looks = reports.looks();
    while (reports.looks() < looks + 8) {
        co_await yield();
    }
    co_return 0;
}

TEST_CASE("watchdog: a loop that is busy, or waits, is not reported", "[runtime][watchdog]") {
    const Reports reports(milliseconds(100));
    on_kernel(many_turns(reports));
    CHECK(reports.all().empty());
}

Task<int> all_of_them(const Reports& reports) {
    Task<std::tuple<int, int, int>> all =
        when_all(innocent_sibling(10), blocking_branch(reports), innocent_sibling(10));
    co_await all;
    Task<First<int, int>> any = when_any(innocent_sibling(1'000'000), blocking_branch(reports));
    co_await any;
    co_return 0;
}

TEST_CASE("watchdog: of the branches of when_all and when_any the one that blocks is named",
          "[runtime][watchdog]") {
    const Reports reports(milliseconds(20));
    on_kernel(all_of_them(reports));
    const std::vector<Stall> stalls = reports.all();
    REQUIRE(stalls.size() == 2);
    for (const Stall& stall : stalls) {
        CHECK(stall.task == "sluice::tests::blocking_handler");
        CHECK(contains(describe(stall), "sluice::tests::blocking_handler"));
        CHECK(!contains(describe(stall), "innocent_sibling"));
    }
}

}  // namespace
}  // namespace sluice::tests
