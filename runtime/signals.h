// wait_for_signal: a task that waits until the process is told to end, on every loop at once.
//
// A signal is noticed and never consumed: it stays pending for the process, so that each loop of a
// program with several sees it, and so does one that begins to wait later.
//
// Cancellation: A stop ends the wait with `cancelled`.
// Errors:       `unsupported` on the simulator.
// Threading:    block_signals() on the first thread, before any other starts: they inherit it.
// Source:       signalfd(2), sigpending(2).

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <csignal>

namespace sluice {

class SignalSet {
public:
    // No initializer_list: GCC 12 cannot keep its array in a coroutine.
    template <std::same_as<int>... Signal>
    SignalSet(Signal... signals) noexcept {
        sigemptyset(&signals_);
        (sigaddset(&signals_, signals), ...);
    }

    // SIGTERM and SIGINT: what a service manager and a person at a terminal send.
    [[nodiscard]] static SignalSet termination() noexcept { return {SIGTERM, SIGINT}; }

    [[nodiscard]] const sigset_t& native() const noexcept { return signals_; }

private:
    sigset_t signals_;
};

// Keeps `signals` from interrupting this thread and those that it starts: they become pending.
void block_signals(const SignalSet& signals) noexcept;

// While it lives, no signal interrupts this thread; and none ever does a thread that was started
// meanwhile: they are left to the program's own.
class SignalsHeld {
public:
    SignalsHeld() noexcept;
    SignalsHeld(SignalsHeld&&) = delete;
    ~SignalsHeld();

private:
    sigset_t before_;
};

// Yields the number of one of `signals`, which are blocked, once it is pending.
[[nodiscard]] Task<Result<int>> wait_for_signal(SignalSet signals);

}  // namespace sluice
