// OutcomeObserver: is told what became of every exchange.

#pragma once

#include "sluice/http/outcome.h"

namespace sluice::http {

class OutcomeObserver {
public:
    virtual ~OutcomeObserver() = default;

    // Once for every exchange, at its end, on the loop's thread. `outcome` is the observer's to
    // copy.
    virtual void exchange_ended(const Outcome& outcome) = 0;
};

}  // namespace sluice::http
