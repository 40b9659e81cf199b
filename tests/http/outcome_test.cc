#include "sluice/http/outcome.h"

#include "sluice/tests/catch.h"
#include "sluice/tests/http/sample_outcomes.h"

#include <chrono>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

constexpr Cause by_reset{Party::peer, Mechanism::reset, ExchangePhase::send_body, TimeoutKind::none,
                         104};
constexpr Cause by_timer{Party::peer, Mechanism::timeout, ExchangePhase::body,
                         TimeoutKind::between_bytes};

TEST_CASE("outcome: the first terminal event is the cause, and later ones are notes",
          "[http][outcome]") {
    Outcome outcome;
    outcome.blame(by_reset);
    outcome.blame(by_timer);

    CHECK(outcome.cause == by_reset);
    REQUIRE(outcome.note_count == 1);
    CHECK(outcome.notes[0] == by_timer);
}

TEST_CASE("outcome: notes are bounded, and the earliest are kept", "[http][outcome]") {
    Outcome outcome;
    outcome.blame(by_reset);
    outcome.blame(by_timer);
    for (int event = 0; event < 10; ++event) {
        outcome.blame(by_reset);
    }

    CHECK(outcome.note_count == Outcome::notes_max);
    CHECK(outcome.notes[0] == by_timer);
    CHECK(outcome.notes[Outcome::notes_max - 1] == by_reset);
}

TEST_CASE("outcome: blaming nothing takes no place, neither the cause's nor a note's",
          "[http][outcome]") {
    Outcome outcome;
    outcome.blame(Cause{});
    outcome.blame(by_timer);
    outcome.blame(Cause{});

    CHECK(outcome.cause == by_timer);
    CHECK(outcome.note_count == 0);
}

TEST_CASE("outcome: wire octets are those of head, content and framing", "[http][outcome]") {
    Outcome outcome;
    outcome.send.head = 1;
    outcome.send.body_accepted = 20;
    outcome.send.framing_octets = 300;
    outcome.receive.head = 4;
    outcome.receive.body = 50;
    outcome.receive.framing_octets = 600;

    CHECK(outcome.send.wire_accepted() == 321);
    CHECK(outcome.receive.wire() == 654);
}

TEST_CASE("outcome: acknowledgement never goes back nor beyond what was accepted",
          "[http][outcome][delivery]") {
    Outcome outcome = tests::sample_of(Verdict::sent);  // 150 octets on the wire.
    CHECK_FALSE(outcome.send.acknowledged.has_value());

    outcome.acknowledge(60, 1ms);
    outcome.acknowledge(40, 2ms);
    CHECK(outcome.send.acknowledged == 60);
    CHECK(outcome.send.acknowledged_at == 2ms);

    outcome.acknowledge(151, 3ms);
    CHECK(outcome.send.acknowledged == 150);
}

TEST_CASE("outcome: a delivery level holds for every octet of the message or not at all",
          "[http][outcome][delivery]") {
    Outcome outcome = tests::server_outcome(ReceivePhase::complete, SendPhase::body_partial);
    outcome.acknowledge(outcome.send.wire_accepted(), 1ms);
    CHECK(delivery_of(outcome) == DeliveryLevel::none);

    outcome = tests::sample_of(Verdict::sent);
    CHECK(delivery_of(outcome) == DeliveryLevel::kernel);
    outcome.send.confirmation = Confirmation::orderly_close;
    outcome.acknowledge(149, 1ms);
    CHECK(delivery_of(outcome) == DeliveryLevel::kernel);
    outcome.acknowledge(150, 2ms);
    CHECK(delivery_of(outcome) == DeliveryLevel::confirmed);
    outcome.send.confirmation = Confirmation::none;
    CHECK(delivery_of(outcome) == DeliveryLevel::acknowledged);
}

}  // namespace
}  // namespace sluice::http
