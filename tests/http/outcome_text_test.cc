#include "sluice/http/outcome_text.h"

#include "sluice/tests/catch.h"
#include "sluice/tests/http/sample_outcomes.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

namespace sluice::http {
namespace {

using tests::Sample;

constexpr std::array<const char*, 37> sentences{
    // C1 to C19, of a PUT.
    "refused here: a limit of this end was reached (phase pool wait); nothing was sent, so "
    "it is safe to retry",
    "connecting failed: the server refused the connection (phase connect); nothing was sent, "
    "so it is safe to retry",
    "stale connection: the server closed the connection before the request went out on it; "
    "nothing was sent, so it is safe to retry",
    "unanswered: the server reset the connection after the whole request was accepted, and "
    "no octet of an answer came; the server may have processed it; safe to retry only "
    "because PUT is idempotent",
    "unanswered: the server closed the connection after the whole request was accepted, and "
    "no octet of an answer came; the server may have processed it; safe to retry only "
    "because PUT is idempotent",
    "interrupted: the server reset the connection with 400 of 1,000 octets accepted; the "
    "server may have processed it; safe to retry only because PUT is idempotent",
    "answered early: 413 came with 400 of 1,000 octets of the request accepted",
    "expectation rejected: 417 came instead of 100, and no content was sent; the server says "
    "that it did not process it, so it is safe to retry",
    "head incomplete: the server closed the connection before the response's head had ended; "
    "the server may have processed it; safe to retry only because PUT is idempotent",
    "malformed: the server broke the rules of HTTP (phase head)",
    "truncated: 200, but the server closed the connection with 20 of 50 octets received; the "
    "server may have processed it; safe to retry only because PUT is idempotent",
    "complete, but unverified: 200, 1,000 octets sent, 50 octets received until the server "
    "closed, and it had not said how many there would be",
    "complete: 200, 1,000 octets sent, 50 octets received",
    "timed out: the time limit (first byte) passed (phase first byte) with all 1,000 octets "
    "sent and 0 octets received; the server may have processed it; safe to retry only "
    "because PUT is idempotent",
    "cancelled: it was asked to stop (phase send body) with 400 of 1,000 octets sent and 0 "
    "octets received; the server may have processed it; safe to retry only because PUT is "
    "idempotent",
    "source failed: the producer of the content failed with 400 of 1,000 octets accepted; "
    "the server may have processed it; safe to retry only because PUT is idempotent",
    "sink failed: the consumer of the content failed with 20 of 50 octets received",
    "local resource: a limit of this end was reached (Too many open files) (phase connect); "
    "nothing was sent, so it is safe to retry",
    "upgraded: 101, and the connection was handed over",
    // S0 to S17.
    "no exchange: the connection ended without a request",
    "head incomplete: the client reset the connection before the request's head had ended",
    "head timed out: the time limit (head) passed before the request's head had ended",
    "head rejected: the client sent more than a limit allows; it was answered with 431",
    "request truncated: the client closed the connection with 400 of 1,000 octets received; "
    "it was not answered",
    "client gone: the client reset the connection while the handler ran, and no octet of its "
    "response was accepted",
    "failed before its head: the application failed; it was answered with 500",
    "failed after its head: the producer of the content failed with 20 of 50 octets of the "
    "response accepted, and the connection was reset",
    "length violation: the handler wrote other than it declared, with 20 of 50 octets "
    "accepted",
    "interrupted: the client reset the connection with 20 of 50 octets of the response "
    "accepted",
    "stalled: the client took no more with 20 of 50 octets of the response accepted; the "
    "time limit (stall) passed",
    "sent: 200, all 50 octets accepted by this end's kernel",
    "acknowledged: 200, all 50 octets acknowledged by the peer's kernel",
    "confirmed: 200, all 50 octets acknowledged by the peer's kernel, and most likely read: "
    "the next request came after it",
    "acknowledged, then reset: 200, all 50 octets acknowledged by the peer's kernel, but the "
    "client may not have read them",
    "request unread: 413, all 50 octets accepted by this end's kernel; 400 of 1,000 octets "
    "of the request's content came, and not all was wanted",
    "aborted here: this end was shutting down (phase send body) with 20 of 50 octets of the "
    "response accepted",
    "upgraded: 101, and the connection was handed over",
};

TEST_CASE("outcome as text: one sentence for each verdict", "[http][outcome]") {
    std::size_t index = 0;
    for (const Sample& sample : tests::samples()) {
        CAPTURE(sample.id);
        CHECK(sentence(sample.outcome, Method::put) == sentences.at(index));
        ++index;
    }
}

Outcome interrupted_upload() {
    Outcome outcome = tests::sample_of(Verdict::request_interrupted);
    outcome.send.declared = 268'435'456;
    outcome.send.body_accepted = 134'217'728;
    return outcome;
}

TEST_CASE("outcome as text: whether to retry depends on the method, which may be unknown",
          "[http][outcome][retry]") {
    const auto [why, method, expected] = GENERATE(table<const char*, Method, const char*>({
        {"may be sent twice", Method::put, "safe to retry only because PUT is idempotent"},
        {"may not", Method::post, "not safe to retry: POST is not idempotent"},
        {"who knows", Method::other, "safe to retry only if it is idempotent"},
    }));
    CAPTURE(why);
    CHECK(sentence(interrupted_upload(), method) ==
          std::string("interrupted: the server reset the connection with 134,217,728 of "
                      "268,435,456 octets accepted; the server may have processed it; ") +
              expected);
}

TEST_CASE("outcome as text: an acknowledgement is claimed only where every octet has one",
          "[http][outcome][delivery]") {
    Outcome outcome = tests::sample_of(Verdict::complete);
    outcome.status = Status::created;
    outcome.receive.body = 0;
    outcome.acknowledge(outcome.send.wire_accepted() - 1, std::chrono::milliseconds(1));
    CHECK(sentence(outcome) == "complete: 201, 1,000 octets sent");

    outcome.acknowledge(outcome.send.wire_accepted(), std::chrono::milliseconds(2));
    CHECK(sentence(outcome) ==
          "complete: 201, 1,000 octets sent, acknowledged by the peer's kernel");
}

TEST_CASE("outcome as text: a whole that is not known is not named", "[http][outcome]") {
    Outcome outcome = interrupted_upload();
    outcome.send.declared.reset();
    outcome.send.body_accepted = 1;
    CHECK(sentence(outcome).starts_with(
        "interrupted: the server reset the connection with 1 octet accepted;"));
}

TEST_CASE("outcome as text: an answer without content tells of the content that it answers",
          "[http][outcome]") {
    Outcome outcome = tests::sample_of(Verdict::sent);
    outcome.send.body_offered = 0;
    outcome.send.body_accepted = 0;
    outcome.send.declared = 0;
    outcome.receive.body = 0;
    CHECK(sentence(outcome) == "sent: 200, accepted by this end's kernel");

    outcome.receive.body = 1'000;
    outcome.receive.declared = 1'000;
    CHECK(sentence(outcome) ==
          "sent: 200 after all 1,000 octets came, accepted by this end's kernel");
}

TEST_CASE("outcome as text: TLS is told by its alert, or by what is wrong with a certificate",
          "[http][outcome][text]") {
    const auto clause = [](TlsEvent event, std::uint8_t detail) {
        Outcome outcome = tests::sample_of(Verdict::connect_failed);
        outcome.cause = {Party::peer, Mechanism::tls, ExchangePhase::tls};
        outcome.cause.tls = event;
        outcome.cause.tls_detail = detail;
        const std::string text = sentence(outcome, Method::put);
        const std::size_t colon = text.find(": ");
        return text.substr(colon + 2, text.find(" (phase") - colon - 2);
    };
    CHECK(clause(TlsEvent::untrusted, static_cast<std::uint8_t>(Flaw::expired)) ==
          "the server's certificate does not hold: it has expired");
    CHECK(clause(TlsEvent::alert_received, static_cast<std::uint8_t>(Alert::handshake_failure)) ==
          "the server's TLS gave up (alert handshake failure)");
    CHECK(clause(TlsEvent::alert_sent, static_cast<std::uint8_t>(Alert::bad_record_mac)) ==
          "TLS gave up on what the server sent (alert bad record mac)");
    CHECK(clause(TlsEvent::cut_short, 0) ==
          "the connection ended without the end that TLS demands");
    CHECK(clause(TlsEvent::malformed, 0) == "the server broke the rules of TLS");
    CHECK(clause(TlsEvent::none, 0) == "TLS failed");
}

}  // namespace
}  // namespace sluice::http
