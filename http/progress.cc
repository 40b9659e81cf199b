#include "sluice/http/progress.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/timers.h"

#include <utility>

namespace sluice::http {

namespace {

// Looks at TCP's own count each time `limit` has passed, so a stall is seen after one to two limits.
class StallTimer final : private Timer {
public:
    StallTimer(Loop& loop, Transport& transport, StopSource& stop, Duration limit) noexcept
        : loop_(loop), transport_(transport), stop_(stop), limit_(limit) {
        loop_.arm(*this, loop_.now() + limit_);
    }

    [[nodiscard]] bool stalled() const noexcept { return stalled_; }

private:
    void fired() noexcept override {
        const std::uint64_t acknowledged = transport_.state().acknowledged;
        if (looked_ && acknowledged == acknowledged_) {
            stalled_ = true;
            stop_.request();
            return;
        }
        looked_ = true;
        acknowledged_ = acknowledged;
        loop_.arm(*this, loop_.now() + limit_);
    }

    Loop& loop_;
    Transport& transport_;
    StopSource& stop_;
    Duration limit_;
    std::uint64_t acknowledged_ = 0;
    bool looked_ = false;
    bool stalled_ = false;
};

}  // namespace

Task<sluice::Result<std::uint64_t>> send_with_progress(Loop& loop, Transport& transport,
                                                       std::span<iovec> parts, Duration stall_max) {
    const Context context = co_await this_task();
    StopSource stop(context.stop);
    const StallTimer timer(loop, transport, stop, stall_max / 2);
    Under<sluice::Result<std::uint64_t>> sending(&stop, transport.send(parts));
    sluice::Result<std::uint64_t> sent = co_await sending;
    if (!sent && sent.error().code == sluice::Errc::cancelled && timer.stalled()) {
        sent = failure(sluice::Errc::timed_out, sluice::Phase::send, sent.error().octets_done);
    }
    co_return sent;
}

}  // namespace sluice::http
