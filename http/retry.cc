#include "sluice/http/retry.h"

#include "sluice/http/verdict.h"

namespace sluice::http {

namespace {

RetryClass class_by_status(const Outcome& outcome) noexcept {
    const bool not_processed =
        outcome.status == Status::misdirected_request || outcome.status == Status::too_early ||
        outcome.status == Status::request_timeout ||
        (outcome.status == Status::expectation_failed && outcome.expect_sent);
    return not_processed ? RetryClass::not_processed : RetryClass::no;
}

RetryClass class_by_progress(const Outcome& outcome) noexcept {
    if (outcome.send.wire_accepted() == 0) {
        return RetryClass::never_on_wire;
    }
    return outcome.receive.resumable ? RetryClass::resume : RetryClass::idempotent_only;
}

}  // namespace

RetryClass retry_class_of(const Outcome& outcome) noexcept {
    switch (verdict_of(outcome)) {
        case Verdict::refused_locally:
            return outcome.cause.mechanism == Mechanism::protocol ? RetryClass::no
                                                                  : RetryClass::never_on_wire;
        case Verdict::connect_failed:
        case Verdict::stale_connection:
        case Verdict::unanswered_reused:
        case Verdict::unanswered_fresh:
        case Verdict::request_interrupted:
        case Verdict::response_head_incomplete:
        case Verdict::truncated:
        case Verdict::timed_out:
        case Verdict::cancelled:
        case Verdict::source_failed:
        case Verdict::local_resource: return class_by_progress(outcome);
        case Verdict::answered_early:
        case Verdict::expectation_rejected:
        case Verdict::complete: return class_by_status(outcome);
        case Verdict::malformed:
        case Verdict::complete_unverified:
        case Verdict::sink_failed:
        case Verdict::upgraded:
        case Verdict::no_exchange:
        case Verdict::request_head_incomplete:
        case Verdict::head_timed_out:
        case Verdict::head_rejected:
        case Verdict::request_truncated:
        case Verdict::client_gone:
        case Verdict::failed_before_head:
        case Verdict::failed_after_head:
        case Verdict::length_violation:
        case Verdict::interrupted:
        case Verdict::stalled:
        case Verdict::sent:
        case Verdict::acknowledged:
        case Verdict::confirmed:
        case Verdict::acknowledged_then_reset:
        case Verdict::request_unread:
        case Verdict::aborted_locally:
        case Verdict::upgraded_by_server: return RetryClass::no;
    }
    return RetryClass::no;
}

bool may_retry(RetryClass retry, const RetryTerms& terms) noexcept {
    if (terms.attempts_left == 0 || terms.is_retry || terms.content == Replayable::consumed) {
        return false;
    }
    switch (retry) {
        case RetryClass::never_on_wire:
        case RetryClass::not_processed: return true;
        case RetryClass::idempotent_only: return is_idempotent(terms.method);
        case RetryClass::resume: return terms.can_resume || is_idempotent(terms.method);
        case RetryClass::no: return false;
    }
    return false;
}

bool may_retry(const Outcome& outcome, const RetryTerms& terms) noexcept {
    const bool out_of_time = outcome.cause.mechanism == Mechanism::deadline ||
                             outcome.cause.timeout == TimeoutKind::total;
    if (out_of_time || verdict_of(outcome) == Verdict::cancelled) {
        return false;
    }
    const RetryClass retry = retry_class_of(outcome);
    if (retry == RetryClass::not_processed && outcome.status == Status::request_timeout &&
        !terms.believes_408) {
        return false;
    }
    return may_retry(retry, terms);
}

std::string_view name(RetryClass retry) noexcept {
    switch (retry) {
        case RetryClass::never_on_wire: return "never_on_wire";
        case RetryClass::not_processed: return "not_processed";
        case RetryClass::idempotent_only: return "idempotent_only";
        case RetryClass::resume: return "resume";
        case RetryClass::no: return "no";
    }
    return {};
}

}  // namespace sluice::http
