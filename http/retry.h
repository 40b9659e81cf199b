// Retry: whether a request may be sent again, judged by what its outcome proves.
//
// Three questions, kept apart. What does the record prove (RetryClass, a pure function of it)? May
// this request be executed twice (its method)? Can its content be produced again (Replayable)? The
// answer is their product: an error by itself never justifies a retry.
//
// Source:       RFC 9110 9.2.2, 10.1.1 (417), 15.5.9 (408), 15.5.20 (421); RFC 8470 5.2 (425).

#pragma once

#include "sluice/http/method.h"
#include "sluice/http/outcome.h"

#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class RetryClass : std::uint8_t {
    never_on_wire,    // The kernel accepted no octet: safe for any method.
    not_processed,    // The peer said that it did nothing: 421, 425, 408, 417 to an expectation.
    idempotent_only,  // Octets left, and no complete answer says what became of them.
    resume,           // Cut at a known octet, and the rest can be asked for or sent.
    no,
};

[[nodiscard]] RetryClass retry_class_of(const Outcome& outcome) noexcept;

// Whether the request's content can be produced again.
enum class Replayable : std::uint8_t {
    untouched,  // No octet was taken from its source; or there is no content.
    buffered,
    factory,  // A new source can be made.
    consumed,
};

struct RetryTerms {
    Method method = Method::other;
    Replayable content = Replayable::consumed;
    std::uint32_t attempts_left = 0;
    bool is_retry = false;      // This attempt was itself a retry, of ours or of one who called us.
    bool can_resume = false;    // The caller knows how to ask for, or to send, only the rest.
    bool believes_408 = false;  // Takes a 408 to mean that the server did not process the request.
};

// Whether to send again without asking anybody. A retry is never retried, lest failures multiply
// through layers. A caller with a budget of its own (attempts_left) clears `is_retry`.
[[nodiscard]] bool may_retry(RetryClass retry, const RetryTerms& terms) noexcept;

// The same, where the outcome itself can forbid it: an exchange that its caller cancelled, or gave
// no more time, is not sent again, whatever its class allows; a 408 is subject to believes_408.
[[nodiscard]] bool may_retry(const Outcome& outcome, const RetryTerms& terms) noexcept;

// The enumerator's own spelling.
[[nodiscard]] std::string_view name(RetryClass retry) noexcept;

}  // namespace sluice::http
