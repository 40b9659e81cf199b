#include "sluice/runtime/threads.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/main.h"
#include "sluice/tests/support/without_io_uring.h"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::without_io_uring;

Task<int> end_with(int status) {
    co_return status;
}

// Waits until it is asked to stop, then ends well.
Task<int> wait_for_stop() {
    Event never_set;
    const bool happened = co_await never_set.wait();
    co_return happened ? 1 : 0;
}

Task<int> end_by_exception() {
    co_await yield();
    throw std::runtime_error("planted");
    co_return 0;
}

TEST_CASE("threads: each loop has a thread of its own, and all end", "[runtime][threads]") {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::set<unsigned> indices;
    const auto body = [&](Loop&, unsigned index) {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
        indices.insert(index);
        return end_with(0);
    };
    CHECK(run_on_threads(3, BackendKind::io_uring, body) == 0);
    CHECK(threads.size() == 3);
    CHECK(threads.contains(std::this_thread::get_id()));
    CHECK(indices == std::set<unsigned>{0, 1, 2});
}

TEST_CASE("threads: when one body fails, the others are asked to stop, and its status counts",
          "[runtime][threads]") {
    const unsigned failing = GENERATE(0U, 1U, 2U);
    const auto body = [failing](Loop&, unsigned index) {
        return index == failing ? end_with(7) : wait_for_stop();
    };
    CHECK(run_on_threads(3, BackendKind::io_uring, body) == 7);
}

// Tells when the thread ends that it was made on.
struct ToldAtThreadEnd {
    std::atomic<bool>* told = nullptr;
    ~ToldAtThreadEnd() {
        if (told != nullptr) {
            *told = true;
        }
    }
};

Task<int> end_after_the_other(std::atomic<bool>& other_is_gone, unsigned index) {
    static thread_local ToldAtThreadEnd at_end;
    if (index == 1) {
        at_end.told = &other_is_gone;
        co_return 7;
    }
    // Without a turn of this loop: its request to stop is on its way by then.
    while (!other_is_gone) {
        std::this_thread::yield();
    }
    co_return 0;
}

TEST_CASE("threads: a body may end while the request to stop is on its way to it",
          "[runtime][threads]") {
    std::atomic<bool> other_is_gone = false;
    const auto body = [&other_is_gone](Loop&, unsigned index) {
        return end_after_the_other(other_is_gone, index);
    };
    CHECK(run_on_threads(2, BackendKind::io_uring, body) == 7);
}

TEST_CASE("threads: an exception is told, and counts as 1", "[runtime][threads]") {
    const auto body = [](Loop&, unsigned index) {
        return index == 0 ? end_by_exception() : wait_for_stop();
    };
    CHECK(run_on_threads(2, BackendKind::io_uring, body) == 1);
}

TEST_CASE("threads: a backend that cannot be had is a failure, not a hang", "[runtime][threads]") {
    const auto body = [](Loop&, unsigned) { return wait_for_stop(); };
    int status = 0;
    without_io_uring(EPERM, [&] { status = run_on_threads(2, BackendKind::io_uring, body); });
    CHECK(status == 1);
}

Task<ExitStatus> program(Loop&, Arguments arguments) {
    if (arguments.empty()) {
        co_return failure(Errc::invalid, Phase::none).error();
    }
    if (arguments.front() == "result") {
        co_return Result<void>(failure(Errc::refused, Phase::connect));
    }
    if (arguments.front() == "well") {
        co_return Result<int>(5);
    }
    co_return 22;
}

TEST_CASE("main: the exit status is the number, or 1 for an error", "[runtime][main]") {
    char name[] = "program";
    char result[] = "result";
    char well[] = "well";
    char other[] = "other";
    char* const none[] = {name, nullptr};
    char* const with_result[] = {name, result, nullptr};
    char* const with_well[] = {name, well, nullptr};
    char* const with_other[] = {name, other, nullptr};
    CHECK(run_main(program, 1, none) == 1);
    CHECK(run_main(program, 2, with_result) == 1);
    CHECK(run_main(program, 2, with_well) == 0);
    CHECK(run_main(program, 2, with_other) == 22);
}

}  // namespace
}  // namespace sluice
