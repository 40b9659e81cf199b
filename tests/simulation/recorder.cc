#include "sluice/tests/simulation/recorder.h"

#include "sluice/http/verdict.h"

namespace sluice::campaign {

namespace {

bool fell(const Outcome& now, const Outcome& before) noexcept {
    return now.send.head < before.send.head || now.send.body_offered < before.send.body_offered ||
           now.send.body_accepted < before.send.body_accepted ||
           now.send.framing_octets < before.send.framing_octets ||
           now.send.acknowledged.value_or(0) < before.send.acknowledged.value_or(0) ||
           now.send.phase < before.send.phase || now.receive.head < before.receive.head ||
           now.receive.body < before.receive.body ||
           now.receive.framing_octets < before.receive.framing_octets ||
           now.receive.discarded < before.receive.discarded;
}

}  // namespace

std::uint16_t client_port_of(const Outcome& outcome) noexcept {
    return outcome.side == http::Side::client ? outcome.connection.local.port()
                                              : outcome.connection.peer.port();
}

Outcome altered(const Outcome& outcome, Plant plant) noexcept {
    Outcome told = outcome;
    const std::uint64_t accepted = told.send.wire_accepted();
    if (plant == Plant::octets_acknowledged_before_accepted && accepted > 0) {
        told.send.acknowledged = accepted + 1;
    } else if (plant == Plant::confirmed_by_reset &&
               told.send.phase == http::SendPhase::all_accepted &&
               told.side == http::Side::server) {
        told.send.acknowledged = accepted;
        told.send.confirmation = http::Confirmation::orderly_close;
    } else if (plant == Plant::cancelled_told_as_peer &&
               told.cause.party == http::Party::application &&
               told.cause.mechanism == http::Mechanism::cancelled) {
        told.cause.party = http::Party::peer;
        told.cause.mechanism = http::Mechanism::reset;
    } else if (plant == Plant::whole_told_as_early && told.side == http::Side::client &&
               told.send.body_accepted > 0 && told.send.declared == told.send.body_accepted &&
               told.send.phase == http::SendPhase::all_accepted) {
        told.send.phase = http::SendPhase::body_partial;
    } else if (plant == Plant::cut_told_as_end && told.receive.end == http::StreamEnd::cut) {
        told.receive.end = http::StreamEnd::fin;
    }
    return told;
}

void Recorder::exchange_ended(const Outcome& outcome) {
    std::vector<Told>& all =
        side_ == http::Side::client ? world_.evidence.client_told : world_.evidence.server_told;
    Told told{.host = host_, .outcome = altered(outcome, world_.plant), .at = world_.now()};
    const std::uint16_t port = client_port_of(outcome);
    world_.tap.sample(port);
    if (const WireConnection* const found = world_.tap.find(port)) {
        const WireConnection wire = world_.tap.in_plaintext(*found);
        const WireEnd& own = side_ == http::Side::client ? wire.client : wire.server;
        told.accepted = own.accepted;
        told.acknowledged = own.acknowledged;
    }
    const bool withheld = world_.plant == Plant::outcome_withheld && side_ == http::Side::server &&
                          !outcome.connection.reusable;
    if (!withheld) {
        all.push_back(told);
    }
    if (world_.plant == Plant::outcome_told_twice) {
        all.push_back(told);
    }
}

void look_again(const Outcome& now, Outcome& before, Call& call, Plant plant) noexcept {
    Outcome seen = now;
    if (plant == Plant::counter_runs_back && before.send.body_accepted > 4096) {
        seen.send.body_accepted = before.send.body_accepted - 4096;
    }
    if (seen.attempt == before.attempt && fell(seen, before)) {
        call.counters_fell = true;
    }
    before = seen;
}

}  // namespace sluice::campaign
