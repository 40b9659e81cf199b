#include "sluice/runtime/signals.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/threads.h"
#include "sluice/tests/support/on_kernel.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <tuple>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Kernel;
using tests::on_kernel;

// A signal that nothing else uses, blocked; taken back at the end, so that the next test starts
// without it.
class Signal {
public:
    Signal() { block_signals(set); }
    Signal(Signal&&) = delete;
    ~Signal() {
        constexpr timespec at_once{};
        while (sigtimedwait(&set.native(), nullptr, &at_once) > 0) {
        }
    }

    const SignalSet set{SIGUSR2};
};

Task<Result<int>> raise_later() {
    for (int turn = 0; turn < 10; ++turn) {
        co_await yield();
    }
    ::kill(::getpid(), SIGUSR2);
    co_return 0;
}

TEST_CASE("signals: a waiting task is told which signal came", "[runtime][signals]") {
    const Signal signal;
    const auto both = on_kernel(when_all(wait_for_signal({SIGUSR1, SIGUSR2}), raise_later()));
    CHECK(std::get<0>(both) == SIGUSR2);
}

TEST_CASE("signals: one that is pending already is noticed", "[runtime][signals]") {
    const Signal signal;
    ::kill(::getpid(), SIGUSR2);
    CHECK(on_kernel(wait_for_signal(signal.set)) == SIGUSR2);
    CHECK(on_kernel(wait_for_signal(signal.set)) == SIGUSR2);
}

Task<int> wait_on_each(Loop&, unsigned index, std::atomic<int>& noticed) {
    // The last to arrive tells all of them.
    if (index == 2) {
        ::kill(::getpid(), SIGUSR2);
    }
    const SignalSet signals(SIGUSR2);
    const Result<int> signal = co_await wait_for_signal(signals);
    noticed += signal == SIGUSR2 ? 1 : 0;
    co_return 0;
}

TEST_CASE("signals: every loop notices the same signal", "[runtime][signals]") {
    const Signal signal;
    std::atomic<int> noticed = 0;
    const auto body = [&noticed](Loop& loop, unsigned index) {
        return wait_on_each(loop, index, noticed);
    };
    CHECK(run_on_threads(3, BackendKind::io_uring, body) == 0);
    CHECK(noticed == 3);
}

Task<Result<int>> wait_stopped(SignalSet signals) {
    const Context context = co_await this_task();
    Running<Result<int>> waiting(context, wait_for_signal(signals));
    co_await yield();
    co_await yield();
    waiting.request_stop();
    co_await waiting.join();
    co_return waiting.take();
}

TEST_CASE("signals: a stop ends the wait", "[runtime][signals]") {
    const Signal signal;
    CHECK(on_kernel(wait_stopped(signal.set)) == failure(Errc::cancelled, Phase::wait));
}

}  // namespace
}  // namespace sluice
