#include "sluice/examples/reload_on_hangup.h"

#include "sluice/runtime/signals.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace sluice::examples {

ReloadOnHangup::ReloadOnHangup(std::function<void()> reload) {
    const SignalSet hangup(SIGHUP);
    block_signals(hangup);
    const SignalsHeld held;  // The others are not that thread's business.
    waiting_ = std::thread([this, hangup, reload = std::move(reload)] {
        int signal = 0;
        while (sigwait(&hangup.native(), &signal) == 0 && !is_over_) {
            reload();
        }
    });
}

ReloadOnHangup::~ReloadOnHangup() {
    is_over_ = true;
    pthread_kill(waiting_.native_handle(), SIGHUP);
    waiting_.join();
}

}  // namespace sluice::examples
