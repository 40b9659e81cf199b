#include "sluice/runtime/workers.h"

#include "sluice/runtime/block_on.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/tests/support/on_kernel.h"

#include <atomic>
#include <barrier>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Kernel;
using tests::on_kernel;

TEST_CASE("offload: the function runs on another thread, and its answer comes back",
          "[runtime][workers]") {
    std::thread::id ran_on;
    const auto function = [&ran_on] {
        ran_on = std::this_thread::get_id();
        return std::make_unique<std::string>("answer");
    };
    const std::unique_ptr<std::string> answer = on_kernel(offload(function));
    CHECK(*answer == "answer");
    CHECK(ran_on != std::thread::id());
    CHECK(ran_on != std::this_thread::get_id());
}

TEST_CASE("offload: a function without an answer is awaited all the same", "[runtime][workers]") {
    bool ran = false;
    on_kernel(offload([&ran] { ran = true; }));
    CHECK(ran);
}

TEST_CASE("offload: what the function throws is thrown where it is awaited", "[runtime][workers]") {
    const auto function = []() -> int { throw std::runtime_error("no answer"); };
    CHECK_THROWS_WITH(on_kernel(offload(function)), "no answer");
}

TEST_CASE("offload: two calls run at once", "[runtime][workers]") {
    std::barrier<> both(2);  // Neither passes without the other.
    const auto function = [&both] {
        both.arrive_and_wait();
        return 1;
    };
    CHECK(on_kernel(when_all(offload(function), offload(function))) == std::tuple(1, 1));
}

Task<int> offload_under(StopSource& stop, std::atomic<bool>& done) {
    const auto function = [&done] {
        for (int turn = 0; turn < 1000; ++turn) {
            std::this_thread::yield();
        }
        done = true;
        return 7;
    };
    stop.request();
    Under<int> calling(&stop, offload(function));
    const int answer = co_await calling;
    co_return answer;
}

TEST_CASE("offload: a stop does not abandon the call, which may use the awaiting frame",
          "[runtime][workers]") {
    StopSource stop;
    std::atomic<bool> done = false;
    CHECK(on_kernel(offload_under(stop, done)) == 7);
    CHECK(done);
}

TEST_CASE("offload: a loop may end as soon as the answer has come", "[runtime][workers]") {
    Kernel kernel;
    int sum = 0;
    for (int loops = 0; loops < 200; ++loops) {
        Loop loop(kernel.backend());
        sum += block_on(loop, offload([] { return 1; }));
    }
    CHECK(sum == 200);
}

TEST_CASE("loop: it does not end before a thread that posted to it is done with it",
          "[runtime][workers]") {
    Kernel kernel;
    std::atomic<bool> done = false;
    kernel.backend().after_wake = [&done] {
        for (int turn = 0; turn < 10'000; ++turn) {
            std::this_thread::yield();
        }
        done = true;
    };
    {
        Loop loop(kernel.backend());
        CHECK(block_on(loop, offload([] { return 1; })) == 1);
    }
    CHECK(done);
}

// Counts how many calls are under way, and remembers the most.
class Counting final : public Workers::Job {
public:
    Counting(std::atomic<int>& running, std::atomic<int>& most) : running_(running), most_(most) {}

private:
    void run() noexcept override {
        const int now = ++running_;
        int most = most_;
        while (now > most && !most_.compare_exchange_weak(most, now)) {
        }
        std::this_thread::yield();
        --running_;
    }

    std::atomic<int>& running_;
    std::atomic<int>& most_;
};

TEST_CASE("workers: all calls run, at most so many at once, before the pool is gone",
          "[runtime][workers]") {
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    std::deque<Counting> jobs;
    {
        Workers workers(2);
        for (int index = 0; index < 1000; ++index) {
            workers.run(jobs.emplace_back(running, most));
        }
    }
    CHECK(running == 0);
    CHECK(most >= 1);
    CHECK(most <= 2);
}

}  // namespace
}  // namespace sluice
