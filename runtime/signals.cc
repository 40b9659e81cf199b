#include "sluice/runtime/signals.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/operation.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <cstdint>

namespace sluice {

namespace {

// One that is pending, or 0.
int pending_of(const SignalSet& signals) noexcept {
    sigset_t pending;
    sigpending(&pending);
    for (int signal = 1; signal < NSIG; ++signal) {
        if (sigismember(&signals.native(), signal) == 1 && sigismember(&pending, signal) == 1) {
            return signal;
        }
    }
    return 0;
}

}  // namespace

void block_signals(const SignalSet& signals) noexcept {
    ensure(pthread_sigmask(SIG_BLOCK, &signals.native(), nullptr) == 0);
}

SignalsHeld::SignalsHeld() noexcept {
    sigset_t all;
    sigfillset(&all);
    ensure(pthread_sigmask(SIG_SETMASK, &all, &before_) == 0);
}

SignalsHeld::~SignalsHeld() {
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Task<Result<int>> wait_for_signal(SignalSet signals) {
    const Context context = co_await this_task();
    Backend& backend = context.loop->backend();
    if (backend.name() == "simulated") {
        co_return failure(Errc::unsupported, Phase::wait);
    }
    const int fd = ::signalfd(-1, &signals.native(), SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        co_return std::unexpected(error_from_errno(errno, Phase::wait));
    }
    std::int32_t result = 0;
    int signal = 0;
    while (result >= 0 && signal == 0) {
        Perform polling(Poll{fd, POLLIN});
        result = co_await polling;
        signal = pending_of(signals);
    }
    backend.close(fd);
    if (signal == 0) {
        co_return std::unexpected(error_from_errno(-result, Phase::wait));
    }
    co_return signal;
}

}  // namespace sluice
