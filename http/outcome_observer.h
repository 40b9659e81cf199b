// OutcomeObserver: is told what became of every exchange, and if it wishes, what was learnt later.
//
// How well a response was delivered is often known only after its exchange has ended: by the next
// request, or by how the client closes. Such a rise (sent, acknowledged, confirmed) is the same
// record again, with more in it; a server looks for one only where somebody wants to know.
//
// Threading:    Called on the loop's thread.

#pragma once

#include "sluice/http/outcome.h"

namespace sluice::http {

class OutcomeObserver {
public:
    virtual ~OutcomeObserver() = default;

    // Once for every exchange, at its end. `outcome` is the observer's to copy.
    virtual void exchange_ended(const Outcome& outcome) = 0;

    // Whether delivery_rose() is to be called. Asked when the observer is attached. It costs one
    // system call for each time a connection was idle, and a record kept while it is.
    [[nodiscard]] virtual bool wants_rises() const noexcept { return false; }

    // The delivery of an exchange that had ended on a server is known to be better: the same
    // `exchange_id`, and a higher delivery_of(). At most twice for each.
    virtual void delivery_rose(const Outcome&) {}
};

}  // namespace sluice::http
