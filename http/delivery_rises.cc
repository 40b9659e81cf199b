#include "sluice/http/delivery_rises.h"

#include <utility>

namespace sluice::http {

void DeliveryRises::ended(const Outcome& outcome) {
    if (kept_.size() == kept_max) {
        kept_.erase(kept_.begin());
    }
    kept_.push_back(outcome);
    was_quiet_ = false;
}

void DeliveryRises::request_came(const SocketState& state, Instant now, OutcomeObserver& observer) {
    const bool was_quiet = std::exchange(was_quiet_, false);
    // What a reset leaves in the socket says nothing of what arrived.
    if (kept_.empty() || state.unacknowledged > 0 || state.closed) {
        return;
    }
    const bool is_later = kept_.back().times.last_byte_out < now;
    raise(was_quiet && is_later ? Confirmation::next_request : Confirmation::none, now, observer);
}

void DeliveryRises::connection_ended(const SocketState& state, bool closed_after_us, Instant now,
                                     OutcomeObserver& observer) {
    if (kept_.empty() || state.unacknowledged > 0) {
        return;
    }
    raise(closed_after_us ? Confirmation::orderly_close : Confirmation::none, now, observer);
}

void DeliveryRises::raise(Confirmation confirmation_of_last, Instant now,
                          OutcomeObserver& observer) {
    for (Outcome& outcome : kept_) {
        const DeliveryLevel before = delivery_of(outcome);
        outcome.acknowledge(outcome.send.wire_accepted(), now);
        if (&outcome == &kept_.back()) {
            outcome.send.confirmation = confirmation_of_last;
        }
        if (delivery_of(outcome) > before) {
            observer.delivery_rose(outcome);
        }
    }
    kept_.clear();
}

}  // namespace sluice::http
