// What sluice_test_test.cc runs: a test for each way in which one can end.

#include "sluice/runtime/await.h"
#include "sluice/runtime/test.h"

#include <chrono>
#include <stdexcept>
#include <thread>

namespace sluice::tests {

Task<> forgotten_task(Event& event) {
    co_await event.wait();
}

namespace {

SLUICE_TEST(passes, Loop& loop) {
    const bool passed = co_await sleep_until(loop.now());
    co_return passed ? 0 : 1;
}

SLUICE_TEST(yields_seven, Loop&) {
    co_return 7;
}

SLUICE_TEST(throws, Loop&) {
    co_await yield();
    throw std::runtime_error("what the exception says");
    co_return 0;
}

SLUICE_TEST(fails, Loop&) {
    co_return Error{Errc::reset, Phase::send};
}

SLUICE_TEST(never_completes, Loop&) {
    Event event;
    co_await forgotten_task(event);
    co_return 0;
}

SLUICE_TEST(blocks_for_ever, Loop&) {
    for (;;) {
        std::this_thread::sleep_for(std::chrono::seconds(1));
    }
    co_return 0;
}

}  // namespace
}  // namespace sluice::tests
