#include "sluice/http/progress.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/timers.h"

#include <optional>
#include <utility>

namespace sluice::http {

namespace {

// Looks at TCP's own count twice in the limit: a stall is seen after one limit to one and a half.
class StallTimer final : private Timer {
public:
    StallTimer(Loop& loop, Transport& transport, StopSource& stop, Duration limit) noexcept
        : loop_(loop), transport_(transport), stop_(stop), pause_(limit / looks_per_limit) {
        loop_.arm(*this, after(loop_.now(), pause_));
    }

    [[nodiscard]] bool stalled() const noexcept { return stalled_; }

private:
    static constexpr int looks_per_limit = 2;

    void fired() noexcept override {
        const std::uint64_t acknowledged = transport_.state().acknowledged;
        looks_alike_ = acknowledged == acknowledged_ ? looks_alike_ + 1 : 0;
        acknowledged_ = acknowledged;
        if (looks_alike_ == looks_per_limit) {
            stalled_ = true;
            stop_.request();
            return;
        }
        loop_.arm(*this, after(loop_.now(), pause_));
    }

    Loop& loop_;
    Transport& transport_;
    StopSource& stop_;
    Duration pause_;
    std::optional<std::uint64_t> acknowledged_;  // At the last look.
    int looks_alike_ = 0;                        // In a row.
    bool stalled_ = false;
};

}  // namespace

Task<sluice::Result<std::uint64_t>> send_with_progress(Loop& loop, Transport& transport,
                                                       std::span<iovec> parts, Duration stall_max) {
    const Context context = co_await this_task();
    StopSource stop(context.stop);
    const StallTimer timer(loop, transport, stop, stall_max);
    Under<sluice::Result<std::uint64_t>> sending(&stop, transport.send(parts));
    sluice::Result<std::uint64_t> sent = co_await sending;
    if (!sent && sent.error().code == sluice::Errc::cancelled && timer.stalled()) {
        sent = failure(sluice::Errc::timed_out, sluice::Phase::send, sent.error().octets_done);
    }
    co_return sent;
}

Task<sluice::Result<void>> acknowledged_with_progress(Transport& transport, Duration stall_max) {
    for (;;) {
        const std::uint64_t before = transport.state().acknowledged;
        const sluice::Result<void> acknowledged =
            co_await with_timeout(stall_max, transport.acknowledged());
        const bool stalled = !acknowledged && acknowledged.error().code == sluice::Errc::timed_out;
        if (!stalled || transport.state().acknowledged == before) {
            co_return acknowledged;
        }
    }
}

}  // namespace sluice::http
