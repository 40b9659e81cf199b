#include "sluice/http/progress.h"

#include "sluice/runtime/combine.h"

namespace sluice::http {

void StallGuard::fired() noexcept {
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
