// DeliveryRises: the exchanges of one connection that have ended, and of which more may be learnt.
//
// What shows more is the next request, or how the connection ends. A response is confirmed by the
// next request if that came after its last octet was acknowledged. We see both only when we look,
// so we ask for more: that all was answered and nothing waited to be received, in an earlier turn
// of the loop than the request. What remains is a request that crossed the response on its way,
// seen so late that the acknowledgement had come too: it makes this a heuristic.
//
// Source:       outcomes.md 3, S13.

#pragma once

#include "sluice/http/outcome.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/runtime/backend.h"
#include "sluice/runtime/clock.h"

#include <cstddef>
#include <vector>

namespace sluice::http {

class DeliveryRises {
public:
    // Of pipelined exchanges the last ones; of those before them no rise is told.
    static constexpr std::size_t kept_max = 32;

    // An exchange has ended and was told of, and its connection goes on.
    void ended(const Outcome& outcome);

    // All was answered, and nothing waits to be received.
    void found_nothing_more() noexcept { was_quiet_ = true; }

    // The next request's first octets are here.
    void request_came(const SocketState& state, Instant now, OutcomeObserver& observer);

    // There will be none. `closed_after_us`: our FIN came first, then the peer's, and no reset.
    void connection_ended(const SocketState& state, bool closed_after_us, Instant now,
                          OutcomeObserver& observer);

private:
    void raise(Confirmation confirmation_of_last, Instant now, OutcomeObserver& observer);

    std::vector<Outcome> kept_;
    bool was_quiet_ = false;
};

}  // namespace sluice::http
