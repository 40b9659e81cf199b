#include "sluice/tests/http/sample_outcomes.h"

#include <array>
#include <chrono>
#include <cstddef>

namespace sluice::http::tests {

namespace {

using By = Party;
using How = Mechanism;
using Send = SendPhase;
using Came = ReceivePhase;
using In = ExchangePhase;

SendFacts send_facts(Send phase, std::uint64_t content, std::uint64_t partly) {
    SendFacts facts;
    facts.phase = phase;
    facts.declared = content;
    facts.head = phase >= Send::head_sent ? 100 : phase == Send::head_partial ? 30 : 0;
    facts.body_offered = phase >= Send::body_partial ? content : 0;
    facts.body_accepted = phase == Send::all_accepted   ? content
                          : phase == Send::body_partial ? partly
                                                        : 0;
    return facts;
}

ReceiveFacts receive_facts(Came phase, std::uint64_t content, std::uint64_t partly) {
    ReceiveFacts facts;
    facts.phase = phase;
    facts.head = phase >= Came::head_complete ? 80 : phase == Came::none ? 0 : 25;
    if (phase >= Came::head_complete) {
        facts.framing = BodyFraming::length;
        facts.declared = content;
    }
    facts.body = phase == Came::complete ? content : phase == Came::body_partial ? partly : 0;
    return facts;
}

Outcome with_status(Outcome outcome, Status status) {
    outcome.status = status;
    return outcome;
}

Outcome close_delimited() {
    Outcome outcome = client_outcome(Send::all_accepted, Came::complete);
    outcome.receive.framing = BodyFraming::close;
    outcome.receive.declared.reset();
    return with_end(outcome, StreamEnd::fin);
}

Outcome expectation_rejected() {
    Outcome outcome = client_outcome(Send::head_sent, Came::complete);
    outcome.expect_sent = true;
    return with_status(outcome, Status::expectation_failed);
}

Outcome upgraded(Outcome outcome) {
    outcome.upgraded = true;
    return with_status(outcome, Status::switching_protocols);
}

using Samples = std::array<Sample, 37>;

Sample row(Verdict verdict, const char* id, const char* name, const char* evidence,
           const Outcome& outcome) {
    return {verdict, id, name, evidence, outcome};
}

std::array<Sample, 9> client_failures() {
    return {
        row(Verdict::refused_locally, "C1", "refused_locally", "the pool's queue was full",
            client_outcome(Send::unassigned, Came::none,
                           {By::local_resource, How::limit, In::pool_wait})),
        row(Verdict::connect_failed, "C2", "connect_failed", "nobody listens",
            client_outcome(Send::unassigned, Came::none, {By::peer, How::refused, In::connect})),
        row(Verdict::stale_connection, "C3", "stale_connection", "idle end seen, 0 accepted",
            reused(
                with_end(client_outcome(Send::assigned, Came::none, {By::peer, How::fin, In::idle}),
                         StreamEnd::fin))),
        row(Verdict::unanswered_reused, "C4", "unanswered", "all accepted, drained, not an octet",
            reused(with_end(client_outcome(Send::all_accepted, Came::none,
                                           {By::peer, How::reset, In::first_byte}),
                            StreamEnd::reset))),
        row(Verdict::unanswered_fresh, "C5", "unanswered", "the same on a fresh connection",
            with_end(client_outcome(Send::all_accepted, Came::none,
                                    {By::peer, How::fin, In::first_byte}),
                     StreamEnd::fin)),
        row(Verdict::request_interrupted, "C6", "request_interrupted", "send short, no head",
            with_end(client_outcome(Send::body_partial, Came::none,
                                    {By::peer, How::reset, In::send_body}),
                     StreamEnd::reset)),
        row(Verdict::answered_early, "C7", "answered_early", "response whole, request not",
            with_status(client_outcome(Send::body_partial, Came::complete),
                        Status::content_too_large)),
        row(Verdict::expectation_rejected, "C8", "expectation_rejected", "417 instead of 100",
            expectation_rejected()),
        row(Verdict::response_head_incomplete, "C9", "head_incomplete", "head begun, then FIN",
            with_end(client_outcome(Send::all_accepted, Came::head_partial,
                                    {By::peer, How::fin, In::head}),
                     StreamEnd::fin)),
    };
}

std::array<Sample, 10> client_ends() {
    return {
        row(Verdict::malformed, "C10", "malformed", "the parser refused the response",
            client_outcome(Send::all_accepted, Came::head_partial,
                           {By::peer, How::protocol, In::head})),
        row(Verdict::truncated, "C11", "truncated", "20 of 50, then FIN",
            with_end(client_outcome(Send::all_accepted, Came::body_partial,
                                    {By::peer, How::fin, In::body}),
                     StreamEnd::fin)),
        row(Verdict::complete_unverified, "C12", "complete_unverified", "ended by a FIN",
            close_delimited()),
        row(Verdict::complete, "C13", "complete", "framing's end seen, request accepted",
            client_outcome(Send::all_accepted, Came::complete)),
        row(Verdict::timed_out, "C14", "timed_out", "timer fired, result merged",
            client_outcome(Send::all_accepted, Came::none,
                           {By::peer, How::timeout, In::first_byte, TimeoutKind::first_byte})),
        row(Verdict::cancelled, "C15", "cancelled", "the caller asked",
            client_outcome(Send::body_partial, Came::none,
                           {By::application, How::cancelled, In::send_body})),
        row(Verdict::source_failed, "C16", "source_failed", "the body's producer failed",
            client_outcome(Send::body_partial, Came::none,
                           {By::application, How::source_error, In::send_body})),
        row(Verdict::sink_failed, "C17", "sink_failed", "the body's consumer failed",
            client_outcome(Send::all_accepted, Came::body_partial,
                           {By::application, How::sink_error, In::body})),
        row(Verdict::local_resource, "C18", "local_resource", "no descriptor left",
            client_outcome(Send::unassigned, Came::none,
                           {By::local_resource, How::limit, In::connect, TimeoutKind::none, 24})),
        row(Verdict::upgraded, "C19", "upgraded", "101",
            upgraded(client_outcome(Send::all_accepted, Came::head_complete))),
    };
}

std::array<Sample, 9> server_failures() {
    return {
        row(Verdict::no_exchange, "S0", "no_exchange", "idle expiry without an octet",
            server_outcome(Came::none, Send::assigned,
                           {By::peer, How::timeout, In::idle, TimeoutKind::idle})),
        row(Verdict::request_head_incomplete, "S1", "head_incomplete", "head begun, then reset",
            server_outcome(Came::head_partial, Send::assigned, {By::peer, How::reset, In::head})),
        row(Verdict::head_timed_out, "S2", "head_timed_out", "timer, octets had come",
            with_status(server_outcome(Came::head_partial, Send::all_accepted,
                                       {By::peer, How::timeout, In::head, TimeoutKind::head}),
                        Status::request_timeout)),
        row(Verdict::head_rejected, "S3", "head_rejected", "a head over the limit",
            with_status(server_outcome(Came::head_partial, Send::all_accepted,
                                       {By::peer, How::limit, In::head}),
                        Status::request_header_fields_too_large)),
        row(Verdict::request_truncated, "S4", "request_truncated", "400 of 1,000, then FIN",
            with_end(
                server_outcome(Came::body_partial, Send::assigned, {By::peer, How::fin, In::body}),
                StreamEnd::fin)),
        row(Verdict::client_gone, "S5", "client_gone", "reset while the handler ran",
            with_end(
                server_outcome(Came::complete, Send::assigned, {By::peer, How::reset, In::handler}),
                StreamEnd::reset)),
        row(Verdict::failed_before_head, "S6", "failed_before_head", "an exception; 500 sent",
            with_status(server_outcome(Came::complete, Send::all_accepted,
                                       {By::application, How::internal, In::handler}),
                        Status::internal_server_error)),
        row(Verdict::failed_after_head, "S7", "failed_after_head", "sink destroyed unfinished",
            server_outcome(Came::complete, Send::body_partial,
                           {By::application, How::source_error, In::send_body})),
        row(Verdict::length_violation, "S8", "length_violation", "wrote less than declared",
            server_outcome(Came::complete, Send::body_partial,
                           {By::application, How::protocol, In::send_body})),
    };
}

std::array<Sample, 9> server_ends() {
    const Outcome whole = server_outcome(Came::complete, Send::all_accepted);
    Outcome early = with_status(server_outcome(Came::body_partial, Send::all_accepted),
                                Status::content_too_large);
    return {
        row(Verdict::interrupted, "S9", "interrupted", "20 of 50 accepted, then reset",
            server_outcome(Came::complete, Send::body_partial,
                           {By::peer, How::reset, In::send_body})),
        row(Verdict::stalled, "S10", "stalled", "no progress for the stall time",
            server_outcome(Came::complete, Send::body_partial,
                           {By::peer, How::timeout, In::send_body, TimeoutKind::stall})),
        row(Verdict::sent, "S11", "sent", "the kernel accepted all", whole),
        row(Verdict::acknowledged, "S12", "acknowledged", "all acknowledged", acknowledged(whole)),
        row(Verdict::confirmed, "S13", "confirmed", "then the next request came",
            acknowledged(whole, Confirmation::next_request)),
        row(Verdict::acknowledged_then_reset, "S14", "acknowledged_then_reset", "reset lingering",
            with_end(acknowledged(whole), StreamEnd::reset)),
        row(Verdict::request_unread, "S15", "request_unread", "answered without reading", early),
        row(Verdict::aborted_locally, "S16", "aborted_locally", "the drain's deadline",
            server_outcome(Came::complete, Send::body_partial,
                           {By::local_resource, How::drain, In::send_body, TimeoutKind::drain})),
        row(Verdict::upgraded_by_server, "S17", "upgraded", "101",
            upgraded(server_outcome(Came::complete, Send::all_accepted))),
    };
}

void append(Samples& all, std::size_t& count, std::span<const Sample> part) {
    for (const Sample& sample : part) {
        all.at(count) = sample;
        ++count;
    }
}

Samples every_sample() {
    Samples all;
    std::size_t count = 0;
    append(all, count, client_failures());
    append(all, count, client_ends());
    append(all, count, server_failures());
    append(all, count, server_ends());
    return all;
}

}  // namespace

std::span<const Sample> samples() {
    static const Samples all = every_sample();
    return all;
}

Outcome sample_of(Verdict verdict) {
    return samples()[static_cast<std::size_t>(verdict)].outcome;
}

Outcome client_outcome(SendPhase sent, ReceivePhase came, Cause cause) {
    Outcome outcome;
    outcome.side = Side::client;
    outcome.send = send_facts(sent, 1000, 400);
    outcome.receive = receive_facts(came, 50, 20);
    if (came >= ReceivePhase::head_complete) {
        outcome.status = Status::ok;
    }
    outcome.blame(cause);
    return outcome;
}

Outcome server_outcome(ReceivePhase came, SendPhase sent, Cause cause) {
    Outcome outcome;
    outcome.side = Side::server;
    outcome.send = send_facts(sent, 50, 20);
    outcome.receive = receive_facts(came, 1000, 400);
    if (sent >= SendPhase::head_partial) {
        outcome.status = Status::ok;
    }
    outcome.blame(cause);
    return outcome;
}

Outcome with_end(Outcome outcome, StreamEnd end) {
    outcome.receive.end = end;
    return outcome;
}

Outcome reused(Outcome outcome) {
    outcome.connection.exchange = 2;
    outcome.connection.idle = std::chrono::milliseconds(250);
    return outcome;
}

Outcome acknowledged(Outcome outcome, Confirmation confirmation) {
    outcome.acknowledge(outcome.send.wire_accepted(), std::chrono::milliseconds(9));
    outcome.send.confirmation = confirmation;
    return outcome;
}

}  // namespace sluice::http::tests
