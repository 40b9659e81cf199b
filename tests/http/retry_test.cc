#include "sluice/http/retry.h"

#include "sluice/http/verdict.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/http/sample_outcomes.h"

#include <algorithm>
#include <array>

namespace sluice::http {
namespace {

using tests::Sample;

constexpr std::array<RetryClass, 19> class_of_client_verdicts{
    RetryClass::never_on_wire,    // C1, its queue being full.
    RetryClass::never_on_wire,    // C2
    RetryClass::never_on_wire,    // C3
    RetryClass::idempotent_only,  // C4
    RetryClass::idempotent_only,  // C5
    RetryClass::idempotent_only,  // C6
    RetryClass::no,               // C7, its status being 413.
    RetryClass::not_processed,    // C8, its status being 417.
    RetryClass::idempotent_only,  // C9
    RetryClass::no,               // C10
    RetryClass::idempotent_only,  // C11, without a validator.
    RetryClass::no,               // C12
    RetryClass::no,               // C13
    RetryClass::idempotent_only,  // C14, everything being sent.
    RetryClass::idempotent_only,  // C15, something being sent.
    RetryClass::idempotent_only,  // C16, something being sent.
    RetryClass::no,               // C17: the application decides.
    RetryClass::never_on_wire,    // C18, no descriptor for a connection being left.
    RetryClass::no,               // C19
};

TEST_CASE("retry: each client verdict has its class, and a server's is never retried",
          "[http][retry]") {
    std::size_t index = 0;
    for (const Sample& sample : tests::samples()) {
        const RetryClass expected = index < class_of_client_verdicts.size()
                                        ? class_of_client_verdicts.at(index)
                                        : RetryClass::no;
        CAPTURE(sample.id);
        CHECK(name(retry_class_of(sample.outcome)) == name(expected));
        ++index;
    }
}

TEST_CASE("retry: a status that says so is not_processed, whichever way it came",
          "[http][retry][rfc9110-15.5.20]") {
    struct Row {
        const char* why;
        Status status;
        bool expect_sent;
        RetryClass expected;
    };
    const Row row = GENERATE(values<Row>({
        {"misdirected", Status::misdirected_request, false, RetryClass::not_processed},
        {"too early", Status::too_early, false, RetryClass::not_processed},
        {"request timeout", Status::request_timeout, false, RetryClass::not_processed},
        {"417 to our Expect", Status::expectation_failed, true, RetryClass::not_processed},
        {"417 to nothing", Status::expectation_failed, false, RetryClass::no},
        {"unavailable, which says nothing of before", Status::service_unavailable, false,
         RetryClass::no},
        {"success", Status::ok, false, RetryClass::no},
    }));
    CAPTURE(row.why);
    for (const Verdict verdict : {Verdict::complete, Verdict::answered_early}) {
        Outcome outcome = tests::sample_of(verdict);
        outcome.status = row.status;
        outcome.expect_sent = row.expect_sent;
        CHECK(retry_class_of(outcome) == row.expected);
    }
}

TEST_CASE("retry: a message that was refused for its form will be refused again", "[http][retry]") {
    const Outcome outcome =
        tests::client_outcome(SendPhase::unassigned, ReceivePhase::none,
                              {Party::application, Mechanism::protocol, ExchangePhase::none});
    CHECK(retry_class_of(outcome) == RetryClass::no);
}

TEST_CASE("retry: what was cut at a known octet can be resumed, once octets had left",
          "[http][retry]") {
    for (const Verdict verdict :
         {Verdict::truncated, Verdict::timed_out, Verdict::request_interrupted}) {
        Outcome outcome = tests::sample_of(verdict);
        outcome.receive.resumable = true;
        CHECK(retry_class_of(outcome) == RetryClass::resume);
    }
    Outcome unsent = tests::sample_of(Verdict::stale_connection);
    unsent.receive.resumable = true;
    CHECK(retry_class_of(unsent) == RetryClass::never_on_wire);
}

TEST_CASE("retry: never_on_wire is said of nothing but what the kernel did not accept",
          "[http][retry]") {
    for (const Sample& sample : tests::samples()) {
        CAPTURE(sample.id);
        Outcome outcome = sample.outcome;
        outcome.send.head = std::max<std::uint64_t>(outcome.send.head, 1);
        outcome.send.phase = std::max(outcome.send.phase, SendPhase::head_partial);
        CHECK(retry_class_of(outcome) != RetryClass::never_on_wire);
    }
}

TEST_CASE("retry: class, method, content and attempts decide together", "[http][retry]") {
    struct Row {
        const char* why;
        RetryClass retry;
        RetryTerms terms;
        bool expected;
    };
    const Row row = GENERATE(values<Row>({
        {"nothing left this host",
         RetryClass::never_on_wire,
         {Method::post, Replayable::untouched, 1},
         true},
        {"the peer did nothing",
         RetryClass::not_processed,
         {Method::post, Replayable::factory, 1},
         true},
        {"a POST may have been processed",
         RetryClass::idempotent_only,
         {Method::post, Replayable::buffered, 1},
         false},
        {"so may a method that we do not know",
         RetryClass::idempotent_only,
         {Method::other, Replayable::buffered, 1},
         false},
        {"a PUT twice is a PUT once",
         RetryClass::idempotent_only,
         {Method::put, Replayable::buffered, 1},
         true},
        {"its content is gone",
         RetryClass::idempotent_only,
         {Method::put, Replayable::consumed, 1},
         false},
        {"its content is gone, though nothing was sent",
         RetryClass::never_on_wire,
         {Method::put, Replayable::consumed, 1},
         false},
        {"no attempt is left",
         RetryClass::never_on_wire,
         {Method::get, Replayable::untouched, 0},
         false},
        {"a retry is never retried",
         RetryClass::never_on_wire,
         {Method::get, Replayable::untouched, 1, true},
         false},
        {"the caller can resume a POST",
         RetryClass::resume,
         {Method::post, Replayable::factory, 1, false, true},
         true},
        {"the caller cannot", RetryClass::resume, {Method::post, Replayable::factory, 1}, false},
        {"but a GET can start over",
         RetryClass::resume,
         {Method::get, Replayable::untouched, 1},
         true},
        {"no", RetryClass::no, {Method::get, Replayable::untouched, 1}, false},
    }));
    CAPTURE(row.why);
    CHECK(may_retry(row.retry, row.terms) == row.expected);
}

TEST_CASE("retry: an outcome can forbid what its class allows", "[http][retry]") {
    RetryTerms terms{Method::get, Replayable::untouched, 1};
    CHECK(may_retry(tests::sample_of(Verdict::unanswered_reused), terms));
    CHECK(may_retry(tests::sample_of(Verdict::timed_out), terms));
    CHECK_FALSE(may_retry(tests::sample_of(Verdict::cancelled), terms));

    Outcome late = tests::sample_of(Verdict::timed_out);
    late.cause.mechanism = Mechanism::deadline;
    CHECK_FALSE(may_retry(late, terms));
    late = tests::sample_of(Verdict::timed_out);
    late.cause.timeout = TimeoutKind::total;
    CHECK_FALSE(may_retry(late, terms));

    Outcome slow = tests::sample_of(Verdict::complete);
    slow.status = Status::request_timeout;
    CHECK_FALSE(may_retry(slow, terms));
    terms.believes_408 = true;
    CHECK(may_retry(slow, terms));
}

}  // namespace
}  // namespace sluice::http
