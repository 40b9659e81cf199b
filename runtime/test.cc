#include "sluice/runtime/test.h"

#include "sluice/runtime/block_on.h"
#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/task_dump.h"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {

namespace {

std::vector<Test>& all_tests() {
    static std::vector<Test> tests;
    return tests;
}

// Ends the process unless it is destroyed in time.
class TimeLimit {
public:
    TimeLimit(const char* test, Duration limit)
        : thread_([this, test, limit](const std::stop_token& stop) {
              std::unique_lock lock(mutex_);
              ended_.wait_for(lock, stop, limit, [] { return false; });
              if (!stop.stop_requested()) {
                  std::printf("%s: not complete in time\n", test);
                  std::fflush(stdout);
                  dump_all_tasks();
                  std::_Exit(1);
              }
          }) {}

private:
    std::mutex mutex_;
    std::condition_variable_any ended_;
    std::jthread thread_;
};

struct Verdict {
    int status = 0;
    std::string text = "passed";
};

Verdict run(const Test& test) {
    const Result<OwnedBackend> backend = make_backend();
    if (!backend) {
        return {1, describe_backend_failure(BackendKind::automatic, backend.error())};
    }
    Loop loop(**backend);
    try {
        const ExitStatus exit = block_on(loop, test.body(loop));
        if (exit.error().code != Errc::none) {
            return {exit.status(), "failed: " + describe(exit.error())};
        }
        if (exit.status() != 0) {
            return {exit.status(), "failed with " + std::to_string(exit.status())};
        }
        return {};
    } catch (const std::exception& exception) {
        return {1, std::string("failed: ") + exception.what()};
    } catch (...) {
        return {1, "failed: an exception of an unknown type"};
    }
}

}  // namespace

RegisteredTest::RegisteredTest(Test test) {
    all_tests().push_back(std::move(test));
}

std::span<const Test> registered_tests() noexcept {
    return all_tests();
}

int run_tests(std::span<const Test> tests, Duration limit) {
    int status = 0;
    for (const Test& test : tests) {
        const TimeLimit time_limit(test.name, limit);
        const Verdict verdict = run(test);
        std::printf("%s: %s\n", test.name, verdict.text.c_str());
        std::fflush(stdout);
        status = status == 0 ? verdict.status : status;
    }
    return status;
}

}  // namespace sluice
