// stopped_by_signals(): runs a task that SIGTERM and SIGINT ask to stop, and awaits its answer: so
// a program that is interrupted still tells what became of its work, and cleans up.
//
// Threading:    After block_signals(SignalSet::termination()).

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/signals.h"
#include "sluice/runtime/task.h"

#include <utility>

namespace sluice::examples {

template <typename T>
[[nodiscard]] Task<> stop_at_signal(Running<T>& running) {
    const Result<int> signal = co_await wait_for_signal(SignalSet::termination());
    if (signal) {
        running.request_stop();
    }
}

template <typename T>
[[nodiscard]] Task<T> stopped_by_signals(Task<T> task) {
    const Context context = co_await this_task();
    Running<T> running(context, std::move(task));
    Running<void> watching(context, stop_at_signal(running));
    co_await running.join();
    watching.request_stop();
    co_await watching.join();
    watching.take();
    T result = running.take();
    co_return result;
}

}  // namespace sluice::examples
