// Verdict: what an outcome's facts amount to, in one word.
//
// A pure function of the record: total, so that every record has a verdict, and without memory, so
// that the same record always has the same one.
//
// The first row that holds decides. "Answered" is receive.phase complete, "accepted" is send.phase
// all_accepted, "gone" is fin, reset, refused, unreachable or tls. Where no cause was recorded, the
// end that was seen is taken for it, and an end that was not seen for a failure of our own.
//
//   A client's
//   C19  the stream was handed over
//   C12  answered, accepted, and the response's end was the connection's
//   C13  answered, accepted: also where a timer fired or a stop was asked for too late
//   C16  answered, and the request's source had failed
//   C8   answered, 100 expected but none came, and no content was accepted
//   C7   answered
//   C14  timeout or deadline, in any phase
//   C15  cancelled, in any phase
//   C16  source error, in any phase
//   C17  sink error, in any phase
//   C10  protocol or limit, of the peer
//   C2   no connection: gone
//   C18  no connection: internal, or a limit with an errno
//   C1   no connection: anything else
//   C16  of the application: protocol (content unlike its declared length)
//   C15  drain
//   C18  limit, internal
//   C11  gone, and the response's head is complete
//   C9   gone, and the response's head is begun; or only 1xx came, though accepted
//   C6   gone, and only 1xx came
//   C3   gone, no octet accepted, connection reused       (C2 if fresh)
//   C6   gone, not accepted
//   C4   gone, accepted, connection reused                (C5 if fresh)
//
//   A server's
//   S0   not one octet of a request came
//   S17  the stream was handed over
//   S1   the request's head incomplete: gone
//   S2   the request's head incomplete: timeout
//   S3   the request's head incomplete: protocol or limit, of the peer
//   S16  the request's head incomplete: anything else
//   S3   protocol or limit of the peer, in phase head
//   S4   content incomplete, phase body: timeout, or gone, protocol, limit, of peer or network
//   --   of the application, not in phase linger or idle:
//   S8     protocol (more or less content than declared)
//   S16    drain, deadline, limit, timeout
//   S6     anything else, in phase handler
//   S7     anything else
//   --   accepted:
//   S16    a cause but gone, and neither while sending nor in phase linger or idle (a 503 was sent)
//   S15    request content was left unread
//   S13    confirmed
//   S14    acknowledged, then reset
//   S12    acknowledged
//   S11    anything else
//   --   not accepted:
//   S10    timeout while sending
//   S16    any cause but gone, or none
//   S5     gone, in no sending phase, and no octet of the response accepted
//   S9     gone
//
// Recorders keep to this: an event after the response is accepted, or after the exchange's end, is
// in phase linger or idle. A client says fin or reset only after it read to the end (receive.end).

#pragma once

#include "sluice/http/outcome.h"

#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class Verdict : std::uint8_t {
    // Of a client, C1 to C19.
    refused_locally,           // No connection was assigned: bad message, limit, shutting down.
    connect_failed,            // Resolving, connecting, TLS or a proxy failed.
    stale_connection,          // A reused connection had ended; nothing was accepted.
    unanswered_reused,         // Accepted, and not one octet came back.
    unanswered_fresh,          // The same, on a connection of its own.
    request_interrupted,       // Accepted in part, and no head came back.
    answered_early,            // The response is complete, the request was not.
    expectation_rejected,      // A final response instead of 100; no content was accepted.
    response_head_incomplete,  // It began and did not end.
    malformed,                 // The response breaks HTTP.
    truncated,                 // Less content than the framing promised.
    complete_unverified,       // The response ended with its connection.
    complete,
    timed_out,
    cancelled,
    source_failed,  // The producer of the request's content failed.
    sink_failed,    // The consumer of the response's content failed.
    local_resource,
    upgraded,
    // Of a server, S0 to S17.
    no_exchange,
    request_head_incomplete,  // It began and did not end.
    head_timed_out,
    head_rejected,       // Malformed, too large, or against a policy.
    request_truncated,   // Less content than the framing promised.
    client_gone,         // Before any of the response was accepted.
    failed_before_head,  // The handler failed; a 500 could still be sent.
    failed_after_head,   // The handler failed; the connection was reset.
    length_violation,    // The handler wrote less or more than it declared.
    interrupted,         // The client went when part of the response was accepted.
    stalled,             // The client stopped reading.
    sent,                // The kernel accepted all.
    acknowledged,        // The peer's TCP acknowledged all.
    confirmed,           // A heuristic: see Confirmation.
    acknowledged_then_reset,
    request_unread,   // As good as `sent`, but the request's content was not wanted.
    aborted_locally,  // Drain, overload, watchdog.
    upgraded_by_server,
};

[[nodiscard]] Verdict verdict_of(const Outcome& outcome) noexcept;

// As logs and JSON say it: "complete". Where two share a word ("unanswered"), the id differs.
[[nodiscard]] std::string_view name(Verdict verdict) noexcept;

// "C13", "S0".
[[nodiscard]] std::string_view id(Verdict verdict) noexcept;

}  // namespace sluice::http
