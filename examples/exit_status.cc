#include "sluice/examples/exit_status.h"

#include "sluice/http/retry.h"
#include "sluice/http/status.h"
#include "sluice/http/verdict.h"

namespace sluice::examples {

namespace {

using http::Verdict;

// Of a verdict that means the same however far things got; `other` for the rest.
ExitStatus status_of_verdict(const http::Outcome& outcome) noexcept {
    const bool succeeded = http::is_successful(outcome.status);
    const Verdict verdict = http::verdict_of(outcome);
    if (verdict == Verdict::complete) {
        return succeeded ? ExitStatus::success : ExitStatus::refused;
    }
    if (verdict == Verdict::answered_early || verdict == Verdict::expectation_rejected) {
        return succeeded ? ExitStatus::other : ExitStatus::refused;
    }
    if (verdict == Verdict::timed_out) {
        return ExitStatus::timed_out;
    }
    if (verdict == Verdict::cancelled) {
        return ExitStatus::cancelled;
    }
    if (verdict == Verdict::truncated) {
        return ExitStatus::truncated;
    }
    const bool unanswered =
        verdict == Verdict::unanswered_reused || verdict == Verdict::unanswered_fresh ||
        verdict == Verdict::request_interrupted || verdict == Verdict::response_head_incomplete;
    return unanswered ? ExitStatus::maybe_processed : ExitStatus::other;
}

}  // namespace

ExitStatus exit_status_of(const http::Outcome& outcome) noexcept {
    const ExitStatus status = status_of_verdict(outcome);
    const bool never_on_wire = http::retry_class_of(outcome) == http::RetryClass::never_on_wire;
    return status == ExitStatus::other && never_on_wire ? ExitStatus::never_on_wire : status;
}

}  // namespace sluice::examples
