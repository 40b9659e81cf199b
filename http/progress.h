// StallGuard: gives up a send of which the peer takes nothing any more.
//
// A slow reader is not a dead one: what counts is that octets go on being acknowledged, however
// few, and not how long the whole takes. Neither FIN nor reset need ever come from a peer that has
// lost its power, so without this a sender could wait for ever (outcomes.md traps 15 and 23).
//
// Ownership:    Lives while the send does, which runs under stop().
// Completion:   The send is asked to stop when nothing was acknowledged for one to one and a half
//               times the limit; explain() then says why it ended.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/timers.h"
#include "sluice/runtime/transport.h"

#include <cstdint>
#include <optional>

namespace sluice::http {

class StallGuard final : private Timer {
public:
    // Is asked to stop when `parent` is.
    StallGuard(Loop& loop, Transport& transport, StopSource* parent, Duration limit) noexcept
        : loop_(loop), transport_(transport), stop_(parent), pause_(limit / looks_per_limit) {
        loop_.arm(*this, after(loop_.now(), pause_));
    }

    [[nodiscard]] StopSource& stop() noexcept { return stop_; }

    // Makes timed_out of the result of a send that was stopped because it stalled.
    void explain(sluice::Result<std::uint64_t>& sent) const noexcept {
        if (stalled_ && !sent && sent.error().code == sluice::Errc::cancelled) {
            sent = failure(sluice::Errc::timed_out, sluice::Phase::send, sent.error().octets_done);
        }
    }

private:
    static constexpr int looks_per_limit = 2;

    void fired() noexcept override;

    Loop& loop_;
    Transport& transport_;
    StopSource stop_;
    Duration pause_;
    std::optional<std::uint64_t> acknowledged_;  // At the last look.
    int looks_alike_ = 0;                        // In a row.
    bool stalled_ = false;
};

// As Transport::acknowledged(), given up when nothing is acknowledged for `stall_max`.
[[nodiscard]] Task<sluice::Result<void>> acknowledged_with_progress(Transport& transport,
                                                                    Duration stall_max);

}  // namespace sluice::http
