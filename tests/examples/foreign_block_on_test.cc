#include "sluice/examples/foreign_loop.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/runtime/contract.h"
#include "sluice/tests/support/death.h"

#include <chrono>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>

namespace sluice::tests {
namespace {

using examples::ForeignLoop;
using std::chrono::milliseconds;

Task<> quits(Event& quit) {
    co_await quit.wait();
}

Task<int> twice(int number) {
    co_await yield();
    co_return 2 * number;
}

Task<> throws() {
    co_await yield();
    throw std::runtime_error("mine");
}

Task<> sets(Event& event) {
    event.set();
    co_return;
}

Task<int> blocks_inside(ForeignLoop& foreign) {
    const int answer = block_on(foreign, [] { return twice(1); });
    co_return answer;
}

TEMPLATE_TEST_CASE("block_on: from a plain thread it has a foreign loop run the task and waits",
                   "[examples][executor]", OnUring, OnEpoll) {
    ForeignLoop* running = nullptr;
    Event quit;
    std::binary_semaphore ready{0};
    std::thread thread([&] {
        TestType world(0);
        ForeignLoop foreign(*world);
        foreign.spawn(quits(quit));
        running = &foreign;
        ready.release();
        foreign.run();
    });
    ready.acquire();
    for (int number = 0; number < 100; ++number) {
        CHECK(block_on(*running, [=] { return twice(number); }) == 2 * number);
    }
    CHECK_THROWS_WITH(block_on(*running, [] { return throws(); }), "mine");
    // A sleeping loop must be woken by this, and again by a timer.
    CHECK(block_on(*running, [] { return sleep_for(milliseconds(5)); }));
    block_on(*running, [&] { return sets(quit); });
    thread.join();
}

Task<> blocks(ForeignLoop& foreign) {
    const int answer = co_await blocks_inside(foreign);
    static_cast<void>(answer);
}

TEST_CASE("block_on: inside a task of a foreign loop it is refused with a diagnosis",
          "[examples][executor]") {
    const auto said = death_of([] {
        OnEpoll world(0);
        ForeignLoop foreign(*world);
        foreign.spawn(blocks(foreign));
        foreign.run();
    });
    CHECK(said.value_or("").find("co_await the task") != std::string::npos);
}

}  // namespace
}  // namespace sluice::tests
