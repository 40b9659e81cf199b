#include "sluice/http/verdict.h"

#include "sluice/http/transport_cause.h"

namespace sluice::http {

namespace {

bool accepted(const Outcome& outcome) noexcept {
    return outcome.send.phase == SendPhase::all_accepted;
}

// The connection ended, or never was.
bool is_gone(Mechanism mechanism) noexcept {
    return mechanism == Mechanism::fin || mechanism == Mechanism::reset ||
           mechanism == Mechanism::refused || mechanism == Mechanism::unreachable ||
           mechanism == Mechanism::tls;
}

// The cause's mechanism. Where nobody was blamed, the end that was seen speaks for itself; an
// exchange that stopped short without either is our own doing.
Mechanism mechanism_of(const Outcome& outcome) noexcept {
    if (outcome.cause) {
        return outcome.cause.mechanism;
    }
    return mechanism_of(outcome.receive.end);
}

bool source_failed(const Cause& cause) noexcept {
    return cause.mechanism == Mechanism::source_error ||
           (cause.mechanism == Mechanism::protocol && cause.party == Party::application);
}

Verdict verdict_when_answered(const Outcome& outcome) noexcept {
    if (accepted(outcome)) {
        return outcome.receive.framing == BodyFraming::close ? Verdict::complete_unverified
                                                             : Verdict::complete;
    }
    if (source_failed(outcome.cause)) {
        return Verdict::source_failed;
    }
    if (outcome.expect_sent && !outcome.continue_received && outcome.send.body_accepted == 0) {
        return Verdict::expectation_rejected;
    }
    return Verdict::answered_early;
}

Verdict verdict_when_unassigned(const Cause& cause) noexcept {
    if (is_gone(cause.mechanism)) {
        return Verdict::connect_failed;
    }
    // A limit with an errno is the kernel's; without one it is the pool's or the queue's.
    const bool is_exhausted = cause.mechanism == Mechanism::limit && cause.os_errno != 0;
    return cause.mechanism == Mechanism::internal || is_exhausted ? Verdict::local_resource
                                                                  : Verdict::refused_locally;
}

Verdict verdict_when_gone(const Outcome& outcome) noexcept {
    switch (outcome.receive.phase) {
        case ReceivePhase::complete:
        case ReceivePhase::body_partial:
        case ReceivePhase::head_complete: return Verdict::truncated;
        case ReceivePhase::head_partial: return Verdict::response_head_incomplete;
        case ReceivePhase::interim:
            return accepted(outcome) ? Verdict::response_head_incomplete
                                     : Verdict::request_interrupted;
        case ReceivePhase::none: break;
    }
    const bool reused = outcome.connection.reused();
    if (outcome.send.wire_accepted() == 0) {
        return reused ? Verdict::stale_connection : Verdict::connect_failed;
    }
    if (!accepted(outcome)) {
        return Verdict::request_interrupted;
    }
    return reused ? Verdict::unanswered_reused : Verdict::unanswered_fresh;
}

Verdict client_verdict_of(const Outcome& outcome) noexcept {
    if (outcome.upgraded) {
        return Verdict::upgraded;
    }
    if (outcome.receive.phase == ReceivePhase::complete) {
        return verdict_when_answered(outcome);
    }
    const Cause& cause = outcome.cause;
    const bool unassigned = outcome.send.phase == SendPhase::unassigned;
    switch (unassigned ? cause.mechanism : mechanism_of(outcome)) {
        case Mechanism::timeout:
        case Mechanism::deadline: return Verdict::timed_out;
        case Mechanism::cancelled: return Verdict::cancelled;
        case Mechanism::source_error: return Verdict::source_failed;
        case Mechanism::sink_error: return Verdict::sink_failed;
        case Mechanism::protocol:
            if (cause.party != Party::application) {
                return Verdict::malformed;
            }
            return unassigned ? Verdict::refused_locally : Verdict::source_failed;
        case Mechanism::limit:
            if (cause.party == Party::peer) {
                return Verdict::malformed;
            }
            return unassigned ? verdict_when_unassigned(cause) : Verdict::local_resource;
        case Mechanism::drain: return unassigned ? Verdict::refused_locally : Verdict::cancelled;
        case Mechanism::internal: return Verdict::local_resource;
        case Mechanism::none:
        case Mechanism::fin:
        case Mechanism::reset:
        case Mechanism::refused:
        case Mechanism::unreachable:
        case Mechanism::tls: break;
    }
    return unassigned ? verdict_when_unassigned(cause) : verdict_when_gone(outcome);
}

Verdict verdict_of_partial_head(const Outcome& outcome) noexcept {
    const Mechanism mechanism = mechanism_of(outcome);
    if (is_gone(mechanism)) {
        return Verdict::request_head_incomplete;
    }
    if (mechanism == Mechanism::timeout) {
        return Verdict::head_timed_out;
    }
    const bool of_the_peer = outcome.cause.party == Party::peer;
    const bool is_rejected = mechanism == Mechanism::protocol || mechanism == Mechanism::limit;
    return of_the_peer && is_rejected ? Verdict::head_rejected : Verdict::aborted_locally;
}

// Whether the request's content was cut short while the handler wanted it.
bool cut_in_body(const Outcome& outcome) noexcept {
    const Cause& cause = outcome.cause;
    if (cause.phase != ExchangePhase::body || outcome.receive.phase == ReceivePhase::complete) {
        return false;  // Where it is complete, it had come before the end did.
    }
    if (cause.mechanism == Mechanism::timeout) {
        return true;
    }
    const bool is_cut = is_gone(cause.mechanism) || cause.mechanism == Mechanism::protocol ||
                        cause.mechanism == Mechanism::limit;
    return is_cut && (cause.party == Party::peer || cause.party == Party::network);
}

Verdict verdict_when_sent(const Outcome& outcome) noexcept {
    if (outcome.receive.phase != ReceivePhase::complete || outcome.receive.discarded > 0) {
        return Verdict::request_unread;
    }
    switch (delivery_of(outcome)) {
        case DeliveryLevel::none:
        case DeliveryLevel::kernel: return Verdict::sent;
        case DeliveryLevel::acknowledged:
            return outcome.receive.end == StreamEnd::reset ? Verdict::acknowledged_then_reset
                                                           : Verdict::acknowledged;
        case DeliveryLevel::confirmed: return Verdict::confirmed;
    }
    return Verdict::sent;
}

Verdict verdict_when_unsent(const Outcome& outcome) noexcept {
    const Cause& cause = outcome.cause;
    const bool sending =
        cause.phase == ExchangePhase::send_head || cause.phase == ExchangePhase::send_body;
    if (cause.mechanism == Mechanism::timeout && sending) {
        return Verdict::stalled;
    }
    if (!is_gone(cause.mechanism)) {
        return Verdict::aborted_locally;
    }
    // A 100 that was accepted does not count: it is no part of the response.
    return sending || outcome.send.phase >= SendPhase::head_partial ? Verdict::interrupted
                                                                    : Verdict::client_gone;
}

Verdict verdict_of_application(const Cause& cause) noexcept {
    switch (cause.mechanism) {
        case Mechanism::protocol: return Verdict::length_violation;
        case Mechanism::drain:
        case Mechanism::deadline:
        case Mechanism::limit:
        case Mechanism::timeout: return Verdict::aborted_locally;
        case Mechanism::none:
        case Mechanism::fin:
        case Mechanism::reset:
        case Mechanism::refused:
        case Mechanism::unreachable:
        case Mechanism::tls:
        case Mechanism::cancelled:
        case Mechanism::source_error:
        case Mechanism::sink_error:
        case Mechanism::internal: break;
    }
    return cause.phase == ExchangePhase::handler ? Verdict::failed_before_head
                                                 : Verdict::failed_after_head;
}

// Whether the cause is none of the peer's leaving, and so stands even if a response (408, 500, 503)
// was accepted after it.
bool outlives_response(const Cause& cause) noexcept {
    const bool sending =
        cause.phase == ExchangePhase::send_head || cause.phase == ExchangePhase::send_body;
    return cause && !is_gone(cause.mechanism) && !sending && cause.phase != ExchangePhase::linger &&
           cause.phase != ExchangePhase::idle;
}

Verdict server_verdict_of(const Outcome& outcome) noexcept {
    if (outcome.receive.phase == ReceivePhase::none) {
        return Verdict::no_exchange;
    }
    if (outcome.upgraded) {
        return Verdict::upgraded_by_server;
    }
    if (outcome.receive.phase < ReceivePhase::head_complete) {
        return verdict_of_partial_head(outcome);
    }
    const Cause& cause = outcome.cause;
    const bool is_rejection =
        cause.mechanism == Mechanism::protocol || cause.mechanism == Mechanism::limit;
    if (cause.phase == ExchangePhase::head && cause.party == Party::peer && is_rejection) {
        return Verdict::head_rejected;
    }
    if (cut_in_body(outcome)) {
        return Verdict::request_truncated;
    }
    const bool ended = cause.phase == ExchangePhase::linger || cause.phase == ExchangePhase::idle;
    if (cause.party == Party::application && !ended) {
        return verdict_of_application(cause);
    }
    if (accepted(outcome)) {
        return outlives_response(cause) ? Verdict::aborted_locally : verdict_when_sent(outcome);
    }
    return verdict_when_unsent(outcome);
}

}  // namespace

Verdict verdict_of(const Outcome& outcome) noexcept {
    switch (outcome.side) {
        case Side::client: return client_verdict_of(outcome);
        case Side::server: return server_verdict_of(outcome);
    }
    return Verdict::local_resource;
}

std::string_view name(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::refused_locally: return "refused_locally";
        case Verdict::connect_failed: return "connect_failed";
        case Verdict::stale_connection: return "stale_connection";
        case Verdict::unanswered_reused: return "unanswered";
        case Verdict::unanswered_fresh: return "unanswered";
        case Verdict::request_interrupted: return "request_interrupted";
        case Verdict::answered_early: return "answered_early";
        case Verdict::expectation_rejected: return "expectation_rejected";
        case Verdict::response_head_incomplete: return "head_incomplete";
        case Verdict::malformed: return "malformed";
        case Verdict::truncated: return "truncated";
        case Verdict::complete_unverified: return "complete_unverified";
        case Verdict::complete: return "complete";
        case Verdict::timed_out: return "timed_out";
        case Verdict::cancelled: return "cancelled";
        case Verdict::source_failed: return "source_failed";
        case Verdict::sink_failed: return "sink_failed";
        case Verdict::local_resource: return "local_resource";
        case Verdict::upgraded: return "upgraded";
        case Verdict::no_exchange: return "no_exchange";
        case Verdict::request_head_incomplete: return "head_incomplete";
        case Verdict::head_timed_out: return "head_timed_out";
        case Verdict::head_rejected: return "head_rejected";
        case Verdict::request_truncated: return "request_truncated";
        case Verdict::client_gone: return "client_gone";
        case Verdict::failed_before_head: return "failed_before_head";
        case Verdict::failed_after_head: return "failed_after_head";
        case Verdict::length_violation: return "length_violation";
        case Verdict::interrupted: return "interrupted";
        case Verdict::stalled: return "stalled";
        case Verdict::sent: return "sent";
        case Verdict::acknowledged: return "acknowledged";
        case Verdict::confirmed: return "confirmed";
        case Verdict::acknowledged_then_reset: return "acknowledged_then_reset";
        case Verdict::request_unread: return "request_unread";
        case Verdict::aborted_locally: return "aborted_locally";
        case Verdict::upgraded_by_server: return "upgraded";
    }
    return {};
}

std::string_view id(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::refused_locally: return "C1";
        case Verdict::connect_failed: return "C2";
        case Verdict::stale_connection: return "C3";
        case Verdict::unanswered_reused: return "C4";
        case Verdict::unanswered_fresh: return "C5";
        case Verdict::request_interrupted: return "C6";
        case Verdict::answered_early: return "C7";
        case Verdict::expectation_rejected: return "C8";
        case Verdict::response_head_incomplete: return "C9";
        case Verdict::malformed: return "C10";
        case Verdict::truncated: return "C11";
        case Verdict::complete_unverified: return "C12";
        case Verdict::complete: return "C13";
        case Verdict::timed_out: return "C14";
        case Verdict::cancelled: return "C15";
        case Verdict::source_failed: return "C16";
        case Verdict::sink_failed: return "C17";
        case Verdict::local_resource: return "C18";
        case Verdict::upgraded: return "C19";
        case Verdict::no_exchange: return "S0";
        case Verdict::request_head_incomplete: return "S1";
        case Verdict::head_timed_out: return "S2";
        case Verdict::head_rejected: return "S3";
        case Verdict::request_truncated: return "S4";
        case Verdict::client_gone: return "S5";
        case Verdict::failed_before_head: return "S6";
        case Verdict::failed_after_head: return "S7";
        case Verdict::length_violation: return "S8";
        case Verdict::interrupted: return "S9";
        case Verdict::stalled: return "S10";
        case Verdict::sent: return "S11";
        case Verdict::acknowledged: return "S12";
        case Verdict::confirmed: return "S13";
        case Verdict::acknowledged_then_reset: return "S14";
        case Verdict::request_unread: return "S15";
        case Verdict::aborted_locally: return "S16";
        case Verdict::upgraded_by_server: return "S17";
    }
    return {};
}

}  // namespace sluice::http
