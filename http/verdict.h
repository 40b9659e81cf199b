// Verdict: what an outcome's facts amount to, in one word.
//
// A pure function of the record: total, so that every record has a verdict, and without memory, so
// that the same record always has the same one.
//
// The first row that holds decides. "Answered" is receive.phase complete, "accepted" is send.phase
// all_accepted, "gone" is fin, reset, refused, unreachable, tls or no cause at all.
//
//   A client's
//   C19  the stream was handed over
//   C16  answered, not accepted, since the request's source had failed
//   C8   answered, 100 expected but none came, and no content was accepted
//   C7   answered, not accepted
//   C12  answered, and the response's end was the connection's
//   C13  answered: also where a timer fired or a stop was asked for too late
//   C14  timeout or deadline, in any phase
//   C15  cancelled, in any phase
//   C17  sink error
//   C10  protocol or limit, of the peer
//   C1   no connection: message, limit, drain, or no cause
//   C18  no connection: internal, or out of resources
//   C2   no connection: anything else
//   C16  source error, or content unlike its declared length
//   C15  drain
//   C18  limit, internal
//   C11  gone, and the response's head is complete
//   C9   gone, and the response's head is begun, or only 1xx came to an accepted request
//   C3   gone, no octet accepted, connection reused       (C2 if fresh)
//   C6   gone, no head came, not accepted
//   C4   gone, no octet came, accepted, connection reused (C5 if fresh)
//
//   A server's
//   S0   not one octet of a request came
//   S17  the stream was handed over
//   S2   the request's head incomplete: timeout
//   S3   the request's head incomplete: protocol, limit; or these of the peer in phase head
//   S1   the request's head incomplete: gone
//   S16  the request's head incomplete: anything else
//   S4   phase body, and the peer's or the network's doing
//   --   from here on only causes from before the response was accepted (not linger, not idle)
//   S8   of the application: protocol
//   S6   of the application: anything else but drain, deadline, limit, timeout, in phase handler
//   S7   of the application: the same in any other phase
//   S10  timeout while sending
//   S16  drain, deadline, limit, cancelled, internal, any other timeout
//   S5   gone, and none of the response accepted nor handed to the kernel
//   S9   gone, and not accepted
//   S15  accepted, but request content was left unread
//   S13  accepted, confirmed
//   S14  accepted and acknowledged, then reset
//   S12  accepted and acknowledged
//   S11  accepted
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
