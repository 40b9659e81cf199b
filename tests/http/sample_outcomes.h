// samples(): one outcome for each verdict, with the evidence for it in words.
//
// The table of the outcomes themselves: tests of whatever is derived from an outcome walk over it.

#pragma once

#include "sluice/http/outcome.h"
#include "sluice/http/verdict.h"

#include <span>

namespace sluice::http::tests {

struct Sample {
    Verdict verdict;
    const char* id;
    const char* name;
    const char* evidence;
    Outcome outcome;
};

// In the order of the verdicts, every one of them once.
[[nodiscard]] std::span<const Sample> samples();
[[nodiscard]] Outcome sample_of(Verdict verdict);

// A PUT of 1,000 octets, of which 400 were accepted at SendPhase::body_partial, and a response of
// 50, of which 20 came at ReceivePhase::body_partial.
[[nodiscard]] Outcome client_outcome(SendPhase sent, ReceivePhase came, Cause cause = {});

// The same exchange from the other end: 1,000 octets of request content, 50 of the response's.
[[nodiscard]] Outcome server_outcome(ReceivePhase came, SendPhase sent, Cause cause = {});

[[nodiscard]] Outcome with_end(Outcome outcome, StreamEnd end);
[[nodiscard]] Outcome reused(Outcome outcome);
[[nodiscard]] Outcome acknowledged(Outcome outcome, Confirmation confirmation = {});

}  // namespace sluice::http::tests
