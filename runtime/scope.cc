#include "sluice/runtime/scope.h"

#include "sluice/runtime/task_dump.h"

#include <cstdio>
#include <cstdlib>

namespace sluice {

void Scope::left_running() const noexcept {
    const std::string tasks = tasks_of(*this);
    std::fprintf(stderr, "a Scope was destroyed with %zu tasks running: join() it\n%s", running_,
                 tasks.c_str());
    std::abort();
}

Task<> Scope::join() {
    while (running_ > 0) {
        empty_.reset();
        co_await empty_.wait_regardless();
    }
    if (thrown_) {
        std::rethrow_exception(std::exchange(thrown_, nullptr));
    }
}

void Scope::finished(Coroutine& coroutine) noexcept {
    if (const std::exception_ptr thrown = Task<>::thrown_by(coroutine)) {
        if (!thrown_) {
            thrown_ = thrown;
        }
        stop_.request();
    }
    coroutine.frame.destroy();
    --running_;
    if (running_ == 0) {
        empty_.set();
    }
}

}  // namespace sluice
