#include "sluice/http/verdict.h"

#include "sluice/tests/catch.h"
#include "sluice/tests/http/sample_outcomes.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sluice::http {
namespace {

using tests::client_outcome;
using tests::Sample;
using tests::server_outcome;
using tests::with_end;
using By = Party;
using How = Mechanism;
using Send = SendPhase;
using Came = ReceivePhase;
using In = ExchangePhase;

TEST_CASE("verdict: the evidence for each leads to it, and to its name and id", "[http][outcome]") {
    std::size_t index = 0;
    for (const Sample& sample : tests::samples()) {
        CAPTURE(sample.id, sample.evidence);
        CHECK(static_cast<std::size_t>(sample.verdict) == index);
        CHECK(id(verdict_of(sample.outcome)) == sample.id);
        CHECK(name(verdict_of(sample.outcome)) == sample.name);
        CHECK(verdict_of(sample.outcome) == sample.verdict);
        ++index;
    }
    CHECK(index == static_cast<std::size_t>(Verdict::upgraded_by_server) + 1);
}

Outcome expecting(Outcome outcome, bool continue_received) {
    outcome.expect_sent = true;
    outcome.continue_received = continue_received;
    return outcome;
}

TEST_CASE("verdict: on a client, of two that could hold the earlier in the table does",
          "[http][outcome]") {
    struct Row {
        const char* why;
        Verdict expected;
        Outcome outcome;
    };
    const Cause timer{By::peer, How::timeout, In::body, TimeoutKind::between_bytes};
    const Cause reset_while_sending{By::peer, How::reset, In::send_body};
    const auto [why, expected, outcome] = GENERATE_COPY(values<Row>({
        {"a timer that came too late is merged", Verdict::complete,
         client_outcome(Send::all_accepted, Came::complete, timer)},
        {"so is a stop", Verdict::complete,
         client_outcome(Send::all_accepted, Came::complete,
                        {By::application, How::cancelled, In::body})},
        {"so is a failure of the consumer's end", Verdict::complete,
         client_outcome(Send::all_accepted, Came::complete,
                        {By::application, How::sink_error, In::body})},
        {"a send error beside a whole answer", Verdict::answered_early,
         with_end(client_outcome(Send::body_partial, Came::complete, reset_while_sending),
                  StreamEnd::reset)},
        {"a reset after a complete head", Verdict::truncated,
         with_end(client_outcome(Send::all_accepted, Came::head_complete,
                                 {By::peer, How::reset, In::body}),
                  StreamEnd::reset)},
        {"a send error with half an answer", Verdict::truncated,
         with_end(client_outcome(Send::body_partial, Came::body_partial, reset_while_sending),
                  StreamEnd::reset)},
        {"the source failed first, then the answer came", Verdict::source_failed,
         client_outcome(Send::body_partial, Came::complete,
                        {By::application, How::source_error, In::send_body})},
        {"100 came before the final answer", Verdict::answered_early,
         expecting(client_outcome(Send::head_sent, Came::complete), true)},
        {"content was sent without waiting for 100", Verdict::answered_early,
         expecting(client_outcome(Send::body_partial, Came::complete), false)},
        {"only 103 came", Verdict::response_head_incomplete,
         with_end(client_outcome(Send::all_accepted, Came::interim, {By::peer, How::fin, In::head}),
                  StreamEnd::fin)},
        {"only 100 came, and the rest could not be sent", Verdict::request_interrupted,
         with_end(client_outcome(Send::body_partial, Came::interim, reset_while_sending),
                  StreamEnd::reset)},
        {"a connect timer is a timer", Verdict::timed_out,
         client_outcome(Send::unassigned, Came::none,
                        {By::peer, How::timeout, In::connect, TimeoutKind::connect})},
        {"a fresh connection that carried nothing", Verdict::connect_failed,
         with_end(client_outcome(Send::assigned, Came::none, {By::peer, How::reset, In::send_head}),
                  StreamEnd::reset)},
        {"octets on an idle connection", Verdict::malformed,
         tests::reused(
             client_outcome(Send::assigned, Came::none, {By::peer, How::protocol, In::idle}))},
        {"a message of ours that cannot be sent", Verdict::refused_locally,
         client_outcome(Send::unassigned, Came::none, {By::application, How::protocol, In::none})},
        {"content unlike its length", Verdict::source_failed,
         client_outcome(Send::body_partial, Came::none,
                        {By::application, How::protocol, In::send_body})},
        {"a response over our limits", Verdict::malformed,
         client_outcome(Send::all_accepted, Came::head_partial, {By::peer, How::limit, In::head})},
        {"an end that nobody was blamed for", Verdict::unanswered_fresh,
         with_end(client_outcome(Send::all_accepted, Came::none), StreamEnd::reset)},
        {"no end and no cause: we did it", Verdict::local_resource,
         client_outcome(Send::all_accepted, Came::none)},
    }));
    CAPTURE(why);
    CHECK(id(verdict_of(outcome)) == id(expected));
}

Outcome discarding(Outcome outcome) {
    outcome.receive.discarded = 1000;
    return outcome;
}

Outcome with_interim(Outcome outcome) {
    outcome.send.head = 25;
    return outcome;
}

TEST_CASE("verdict: on a server, of two that could hold the earlier in the table does",
          "[http][outcome]") {
    struct Row {
        const char* why;
        Verdict expected;
        Outcome outcome;
    };
    const Outcome drained = discarding(server_outcome(Came::complete, Send::all_accepted));
    const auto [why, expected, outcome] = GENERATE_COPY(values<Row>({
        {"an idle connection closed by a drain", Verdict::no_exchange,
         server_outcome(Came::none, Send::assigned, {By::local_resource, How::drain, In::idle})},
        {"half a head when the drain ended", Verdict::aborted_locally,
         server_outcome(Came::head_partial, Send::assigned,
                        {By::local_resource, How::drain, In::head})},
        {"a whole head that policy refuses", Verdict::head_rejected,
         server_outcome(Came::head_complete, Send::all_accepted, {By::peer, How::limit, In::head})},
        {"a bad chunk that was answered with 400", Verdict::request_truncated,
         server_outcome(Came::body_partial, Send::all_accepted,
                        {By::peer, How::protocol, In::body})},
        {"content that stopped coming", Verdict::request_truncated,
         server_outcome(Came::body_partial, Send::assigned,
                        {By::peer, How::timeout, In::body, TimeoutKind::between_bytes})},
        {"gone while the last of the content was read, and that was whole", Verdict::client_gone,
         server_outcome(Came::complete, Send::assigned, {By::peer, How::fin, In::body})},
        {"gone while the handler did not read, content or no", Verdict::client_gone,
         server_outcome(Came::body_partial, Send::assigned, {By::peer, How::reset, In::handler})},
        {"gone after a 100, and before the final head", Verdict::client_gone,
         with_interim(server_outcome(Came::body_partial, Send::assigned,
                                     {By::peer, How::reset, In::handler}))},
        {"gone when the head was handed over, 0 accepted", Verdict::interrupted,
         server_outcome(Came::complete, Send::assigned, {By::peer, How::reset, In::send_head})},
        {"half of the head accepted", Verdict::interrupted,
         server_outcome(Came::complete, Send::head_partial, {By::peer, How::reset, In::handler})},
        {"gone in good order, and all was accepted before", Verdict::sent,
         with_end(
             server_outcome(Came::complete, Send::all_accepted, {By::peer, How::fin, In::handler}),
             StreamEnd::fin)},
        {"a stall timer that came too late", Verdict::sent,
         server_outcome(Came::complete, Send::all_accepted,
                        {By::peer, How::timeout, In::send_body, TimeoutKind::stall})},
        {"a handler that took too long, answered with 503", Verdict::aborted_locally,
         server_outcome(Came::complete, Send::all_accepted,
                        {By::local_resource, How::timeout, In::handler, TimeoutKind::handler})},
        {"a write beyond the declared length, refused", Verdict::length_violation,
         server_outcome(Came::complete, Send::all_accepted,
                        {By::application, How::protocol, In::send_body})},
        {"unread content, drained to its end", Verdict::request_unread, drained},
        {"the same and acknowledged, then reset", Verdict::request_unread,
         with_end(tests::acknowledged(drained), StreamEnd::reset)},
        {"a reset while draining unread content", Verdict::request_unread,
         with_end(server_outcome(Came::body_partial, Send::all_accepted,
                                 {By::peer, How::reset, In::linger}),
                  StreamEnd::reset)},
        {"sent, then reset before any acknowledgement", Verdict::sent,
         with_end(
             server_outcome(Came::complete, Send::all_accepted, {By::peer, How::reset, In::linger}),
             StreamEnd::reset)},
        {"an abort by the handler", Verdict::failed_after_head,
         server_outcome(Came::complete, Send::body_partial,
                        {By::application, How::cancelled, In::send_body})},
        {"no cause at all: we did it", Verdict::aborted_locally,
         server_outcome(Came::complete, Send::body_partial)},
    }));
    CAPTURE(why);
    CHECK(id(verdict_of(outcome)) == id(expected));
}

// Calls `check` with every combination of the facts that a verdict may depend on.
template <typename Check>
void for_each_record(Check check) {
    Outcome outcome;
    for (int bits = 0; bits < 16; ++bits) {
        outcome.upgraded = (bits & 1) != 0;
        outcome.expect_sent = (bits & 2) != 0;
        outcome.connection.exchange = (bits & 4) != 0 ? 2 : 1;
        outcome.receive.discarded = (bits & 8) != 0 ? 1 : 0;
        for (int sent = 0; sent <= static_cast<int>(Send::all_accepted); ++sent) {
            outcome.send.phase = static_cast<Send>(sent);
            outcome.send.head = sent > static_cast<int>(Send::assigned) ? 10 : 0;
            for (int came = 0; came <= static_cast<int>(Came::complete); ++came) {
                outcome.receive.phase = static_cast<Came>(came);
                for (int end = 0; end <= static_cast<int>(StreamEnd::reset); ++end) {
                    outcome.receive.end = static_cast<StreamEnd>(end);
                    check(outcome);
                }
            }
        }
    }
}

template <typename Check>
void for_each_cause(Check check) {
    for (int party = 0; party <= static_cast<int>(By::network); ++party) {
        for (int mechanism = 0; mechanism <= static_cast<int>(How::internal); ++mechanism) {
            for (int phase = 0; phase <= static_cast<int>(In::linger); ++phase) {
                check(Cause{static_cast<By>(party), static_cast<How>(mechanism),
                            static_cast<In>(phase)});
            }
        }
    }
}

bool accepted(const Outcome& outcome) {
    return outcome.send.phase == Send::all_accepted;
}
bool answered(const Outcome& outcome) {
    return outcome.receive.phase == Came::complete;
}
bool on_wire(const Outcome& outcome) {
    return outcome.send.wire_accepted() > 0;
}
bool begun(const Outcome& outcome) {
    return outcome.send.phase >= Send::head_partial;
}
bool unfinished(const Outcome& outcome) {
    return !accepted(outcome);
}
bool incomplete(const Outcome& outcome) {
    return !accepted(outcome) || !answered(outcome);
}
bool not_early(const Outcome& outcome) {
    return accepted(outcome) || !answered(outcome);
}
bool heard(const Outcome& outcome) {
    return outcome.receive.phase != Came::none;
}
bool not_ignored(const Outcome& outcome) {
    return !accepted(outcome) || heard(outcome);
}
bool headless(const Outcome& outcome) {
    return outcome.receive.phase < Came::head_complete;
}
bool assigned(const Outcome& outcome) {
    return outcome.send.phase != Send::unassigned;
}
bool not_cut(const Outcome& outcome) {
    return headless(outcome) || answered(outcome);
}

struct Denial {
    Verdict verdict;
    bool (*denies)(const Outcome&);  // Holds for a record that must not be called so.
};

constexpr std::array denials{
    Denial{Verdict::refused_locally, assigned},
    Denial{Verdict::connect_failed, on_wire},
    Denial{Verdict::stale_connection, on_wire},
    Denial{Verdict::unanswered_reused, not_ignored},
    Denial{Verdict::unanswered_fresh, not_ignored},
    Denial{Verdict::request_interrupted, accepted},
    Denial{Verdict::answered_early, not_early},
    Denial{Verdict::expectation_rejected, not_early},
    Denial{Verdict::truncated, not_cut},
    Denial{Verdict::complete_unverified, incomplete},
    Denial{Verdict::complete, incomplete},
    Denial{Verdict::no_exchange, heard},
    Denial{Verdict::request_truncated, headless},
    Denial{Verdict::client_gone, begun},
    Denial{Verdict::interrupted, accepted},
    Denial{Verdict::stalled, accepted},
    Denial{Verdict::sent, unfinished},
    Denial{Verdict::acknowledged, unfinished},
    Denial{Verdict::confirmed, unfinished},
    Denial{Verdict::acknowledged_then_reset, unfinished},
    Denial{Verdict::request_unread, unfinished},
};

bool is_lie(const Outcome& outcome, Verdict verdict) {
    return std::ranges::any_of(denials, [&](const Denial& denial) {
        return denial.verdict == verdict && denial.denies(outcome);
    });
}

TEST_CASE("verdict: every record has one of its own side, and none that its facts deny",
          "[http][outcome]") {
    std::size_t wrong_side = 0;
    std::size_t lies = 0;
    for_each_cause([&](const Cause& cause) {
        for_each_record([&](Outcome outcome) {
            outcome.cause = cause;
            for (const Side side : {Side::client, Side::server}) {
                outcome.side = side;
                const Verdict verdict = verdict_of(outcome);
                const char letter = side == Side::client ? 'C' : 'S';
                wrong_side += id(verdict).front() == letter ? 0U : 1U;
                lies += is_lie(outcome, verdict) ? 1U : 0U;
            }
        });
    });
    CHECK(wrong_side == 0);
    CHECK(lies == 0);
}

}  // namespace
}  // namespace sluice::http
