// ServerRecord: the outcome of one exchange, from its first octet until it was reported.
//
// It outlives the handler, since the response's last octet is accepted later; the connection keeps
// its records in the order of their responses.

#pragma once

#include "sluice/http/outcome.h"
#include "sluice/http/status.h"

#include <memory>

namespace sluice::http {

struct ServerRecord {
    Outcome outcome;       // With the status that was chosen, before any of it is accepted.
    bool handled = false;  // The handler has ended, and what it left of the request was dealt with.
    bool answered = false;  // The kernel accepted the response's last octet.
    std::unique_ptr<ServerRecord> next;
};

// Before an outcome is told: a status of which no octet was accepted was not sent.
inline void forget_unsent_status(Outcome& outcome) noexcept {
    if (outcome.send.phase < SendPhase::head_partial) {
        outcome.status = Status{};
    }
}

}  // namespace sluice::http
