#include "sluice/http/outcome_text.h"

#include "sluice/http/retry.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/security.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>

namespace sluice::http {

namespace {

// 268435456 as "268,435,456".
std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t end = text.size(); end > 3; end -= 3) {
        text.insert(end - 3, 1, ',');
    }
    return text;
}

std::string octets(std::uint64_t count) {
    return grouped(count) + (count == 1 ? " octet" : " octets");
}

// "5 of 7 octets", "all 7 octets", or "5 octets" where the whole is not known.
std::string part(std::uint64_t done, const std::optional<std::uint64_t>& whole) {
    if (whole == done && done > 0) {
        return "all " + octets(done);
    }
    return whole ? grouped(done) + " of " + octets(*whole) : octets(done);
}

std::string status_text(Status status) {
    return status == Status{} ? "no status" : std::to_string(code_of(status));
}

std::string words(std::string_view spelling) {
    std::string text(spelling);
    for (char& character : text) {
        character = character == '_' ? ' ' : character;
    }
    return text;
}

std::string os_text(const Cause& cause) {
    return cause.os_errno == 0 ? std::string{}
                               : " (" + std::generic_category().message(cause.os_errno) + ")";
}

std::string tls_clause_of(const Cause& cause, const std::string& peer) {
    const std::string alert = " (alert " + words(tls_detail_of(cause)) + ")";
    switch (cause.tls) {
        case TlsEvent::none: return "TLS failed";
        case TlsEvent::cut_short: return "the connection ended without the end that TLS demands";
        case TlsEvent::malformed: return peer + " broke the rules of TLS";
        case TlsEvent::alert_received: return peer + "'s TLS gave up" + alert;
        case TlsEvent::alert_sent: return "TLS gave up on what " + peer + " sent" + alert;
        case TlsEvent::untrusted: break;
    }
    return peer + "'s certificate does not hold: " +
           std::string(describe(static_cast<Flaw>(cause.tls_detail)));
}

// What happened, as a clause: "the peer reset the connection".
std::string clause_of(const Outcome& outcome) {
    const Cause& cause = outcome.cause;
    const std::string peer = outcome.side == Side::client ? "the server" : "the client";
    switch (cause.mechanism) {
        case Mechanism::none:
            switch (outcome.receive.end) {
                case StreamEnd::open: break;
                case StreamEnd::fin: return peer + " closed the connection";
                case StreamEnd::cut: return "TLS did not vouch for the connection's end";
                case StreamEnd::reset: return peer + " reset the connection";
            }
            return "nothing was recorded against it";
        case Mechanism::fin: return peer + " closed the connection";
        case Mechanism::reset: return peer + " reset the connection";
        case Mechanism::timeout:
            return "the time limit (" + words(name(cause.timeout)) + ") passed";
        case Mechanism::protocol:
            return cause.party == Party::application ? "the message from this end was not valid"
                                                     : peer + " broke the rules of HTTP";
        case Mechanism::refused: return peer + " refused the connection";
        case Mechanism::unreachable: return peer + " could not be reached" + os_text(cause);
        case Mechanism::tls: return tls_clause_of(cause, peer);
        case Mechanism::cancelled: return "it was asked to stop";
        case Mechanism::deadline: return "the caller's deadline passed";
        case Mechanism::source_error: return "the producer of the content failed" + os_text(cause);
        case Mechanism::sink_error: return "the consumer of the content failed" + os_text(cause);
        case Mechanism::drain: return "this end was shutting down";
        case Mechanism::limit:
            return cause.party == Party::peer ? peer + " sent more than a limit allows"
                                              : "a limit of this end was reached" + os_text(cause);
        case Mechanism::internal:
            return cause.party == Party::application ? "the application failed"
                                                     : "this end failed" + os_text(cause);
    }
    return {};
}

std::string during(const Cause& cause) {
    return cause.phase == ExchangePhase::none ? std::string{}
                                              : " (phase " + words(name(cause.phase)) + ")";
}

std::string idempotent_advice(Method method) {
    const std::string token(token_of(method));
    if (token.empty()) {
        return "; the server may have processed it; safe to retry only if it is idempotent";
    }
    return is_idempotent(method)
               ? "; the server may have processed it; safe to retry only because " + token +
                     " is idempotent"
               : "; the server may have processed it; not safe to retry: " + token +
                     " is not idempotent";
}

std::string advice(const Outcome& outcome, Method method) {
    switch (retry_class_of(outcome)) {
        case RetryClass::never_on_wire: return "; nothing was sent, so it is safe to retry";
        case RetryClass::not_processed:
            return "; the server says that it did not process it, so it is safe to retry";
        case RetryClass::idempotent_only: return idempotent_advice(method);
        case RetryClass::resume: return "; it can be resumed";
        case RetryClass::no: return {};
    }
    return {};
}

// Of what was sent, the strongest that is known.
std::string delivered(const Outcome& outcome) {
    switch (delivery_of(outcome)) {
        case DeliveryLevel::none:
        case DeliveryLevel::kernel: return "accepted by this end's kernel";
        case DeliveryLevel::acknowledged: return "acknowledged by the peer's kernel";
        case DeliveryLevel::confirmed: break;
    }
    return outcome.send.confirmation == Confirmation::next_request
               ? "acknowledged by the peer's kernel, and most likely read: the next request came "
                 "after it"
               : "acknowledged by the peer's kernel, and most likely read: the client closed in "
                 "good order";
}

// What went each way in a complete exchange.
std::string exchanged(const Outcome& outcome) {
    std::string text;
    if (outcome.send.body_accepted > 0) {
        text += octets(outcome.send.body_accepted) + " sent";
        if (delivery_of(outcome) >= DeliveryLevel::acknowledged) {
            text += ", " + delivered(outcome);
        }
    }
    if (outcome.receive.body > 0 || text.empty()) {
        text += (text.empty() ? "" : ", ") + octets(outcome.receive.body) + " received";
    }
    return text;
}

// What of a response there is to speak of: its content, or that of the request which it answers.
std::string answered_with(const Outcome& outcome) {
    if (outcome.send.body_offered > 0 || outcome.receive.body == 0) {
        return outcome.send.body_offered > 0
                   ? ", " + part(outcome.send.body_accepted, outcome.send.declared)
                   : ",";
    }
    return " after " + part(outcome.receive.body, outcome.receive.declared) + " came,";
}

// What became of a server's answer to a request that went wrong.
std::string answer_text(const Outcome& outcome) {
    if (outcome.send.phase == SendPhase::all_accepted) {
        return "; it was answered with " + status_text(outcome.status);
    }
    return outcome.send.wire_accepted() == 0 ? "; it was not answered" : "; its answer was cut";
}

struct Row {
    Verdict verdict;
    std::string_view text;  // Words in braces are filled in by fill().
};

// In the order of the enumeration.
constexpr std::array rows{
    Row{Verdict::refused_locally, "refused here: {cause}{phase}"},
    Row{Verdict::connect_failed, "connecting failed: {cause}{phase}"},
    Row{Verdict::stale_connection, "stale connection: {cause} before the request went out on it"},
    Row{Verdict::unanswered_reused,
        "unanswered: {cause} after the whole request was accepted, and no octet of an answer came"},
    Row{Verdict::unanswered_fresh,
        "unanswered: {cause} after the whole request was accepted, and no octet of an answer came"},
    Row{Verdict::request_interrupted, "interrupted: {cause} with {sent} accepted"},
    Row{Verdict::answered_early,
        "answered early: {status} came with {sent} of the request accepted"},
    Row{Verdict::expectation_rejected,
        "expectation rejected: {status} came instead of 100, and no content was sent"},
    Row{Verdict::response_head_incomplete,
        "head incomplete: {cause} before the response's head had ended"},
    Row{Verdict::malformed, "malformed: {cause}{phase}"},
    Row{Verdict::truncated, "truncated: {status}, but {cause} with {came} received"},
    Row{Verdict::complete_unverified,
        "complete, but unverified: {status}, {exchanged} until the server closed, "
        "and it had not said how many there would be"},
    Row{Verdict::complete, "complete: {status}, {exchanged}"},
    Row{Verdict::timed_out, "timed out: {cause}{phase} with {sent} sent and {came} received"},
    Row{Verdict::cancelled, "cancelled: {cause}{phase} with {sent} sent and {came} received"},
    Row{Verdict::source_failed, "source failed: {cause} with {sent} accepted"},
    Row{Verdict::sink_failed, "sink failed: {cause} with {came} received"},
    Row{Verdict::local_resource, "local resource: {cause}{phase}"},
    Row{Verdict::upgraded, "upgraded: {status}, and the connection was handed over"},
    Row{Verdict::no_exchange, "no exchange: the connection ended without a request"},
    Row{Verdict::request_head_incomplete,
        "head incomplete: {cause} before the request's head had ended"},
    Row{Verdict::head_timed_out, "head timed out: {cause} before the request's head had ended"},
    Row{Verdict::head_rejected, "head rejected: {cause}{answer}"},
    Row{Verdict::request_truncated, "request truncated: {cause} with {came} received{answer}"},
    Row{Verdict::client_gone,
        "client gone: {cause} while the handler ran, and no octet of its response was accepted"},
    Row{Verdict::failed_before_head, "failed before its head: {cause}{answer}"},
    Row{Verdict::failed_after_head,
        "failed after its head: {cause} with {sent} of the response accepted, and the connection "
        "was "
        "reset"},
    Row{Verdict::length_violation,
        "length violation: the handler wrote other than it declared, with {sent} accepted"},
    Row{Verdict::interrupted, "interrupted: {cause} with {sent} of the response accepted"},
    Row{Verdict::stalled,
        "stalled: the client took no more with {sent} of the response accepted; {cause}"},
    Row{Verdict::sent, "sent: {status}{answered} {delivered}"},
    Row{Verdict::acknowledged, "acknowledged: {status}{answered} {delivered}"},
    Row{Verdict::confirmed, "confirmed: {status}{answered} {delivered}"},
    Row{Verdict::acknowledged_then_reset,
        "acknowledged, then reset: {status}{answered} {delivered}, but the client may not have "
        "read "
        "them"},
    Row{Verdict::request_unread,
        "request unread: {status}, {sent} {delivered}; {came} of the request's content came, "
        "and not all was wanted"},
    Row{Verdict::aborted_locally,
        "aborted here: {cause}{phase} with {sent} of the response accepted"},
    Row{Verdict::upgraded_by_server, "upgraded: {status}, and the connection was handed over"},
};

constexpr bool in_order() {
    for (std::size_t index = 0; index < rows.size(); ++index) {
        if (static_cast<std::size_t>(rows[index].verdict) != index) {
            return false;
        }
    }
    return rows.back().verdict == Verdict::upgraded_by_server;
}
static_assert(in_order());

std::string fill(std::string_view word, const Outcome& outcome) {
    if (word == "cause") {
        return clause_of(outcome);
    }
    if (word == "phase") {
        return during(outcome.cause);
    }
    if (word == "sent") {
        return part(outcome.send.body_accepted, outcome.send.declared);
    }
    if (word == "came") {
        return part(outcome.receive.body, outcome.receive.declared);
    }
    if (word == "status") {
        return status_text(outcome.status);
    }
    if (word == "answered") {
        return answered_with(outcome);
    }
    if (word == "answer") {
        return answer_text(outcome);
    }
    if (word == "delivered") {
        return delivered(outcome);
    }
    ensure(word == "exchanged");
    return exchanged(outcome);
}

}  // namespace

std::string sentence(const Outcome& outcome, Method method) {
    std::string text;
    std::string_view rest = rows[static_cast<std::size_t>(verdict_of(outcome))].text;
    for (std::size_t open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
        const std::size_t close = rest.find('}', open);
        text += rest.substr(0, open);
        text += fill(rest.substr(open + 1, close - open - 1), outcome);
        rest.remove_prefix(close + 1);
    }
    text += rest;
    return text + advice(outcome, method);
}

}  // namespace sluice::http
