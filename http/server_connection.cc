#include "sluice/http/server_connection.h"

#include "sluice/http/server_exchange.h"
#include "sluice/http/transport_cause.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>
#include <utility>

namespace sluice::http {

namespace {

// For a client that has all its answers: it need not see our FIN before we go.
constexpr Duration idle_linger_max = std::chrono::milliseconds(100);

}  // namespace

ServerConnection::ServerConnection(ServerCore& core, Transport& transport,
                                   const Context& context) noexcept
    : core_(core),
      transport_(transport),
      scope_(context),
      outbox_(core.loop(), scope_, core.blocks(), transport, *this, core.options().stall_max),
      idle_since_(core.loop().now()),
      is_secure_(transport.security() != nullptr) {
    transport_.listen_for_peer_end(this);
    core_.opened(*this);
}

ServerConnection::~ServerConnection() {
    ensure(first_record_ == nullptr);
    core_.closed(*this);
}

Task<> ServerConnection::serve(ServerCore& core, std::unique_ptr<Transport> transport) {
    const Context context = co_await this_task();
    ServerConnection connection(core, *transport, context);
    Next next = Next::request;
    while (next == Next::request) {
        if (connection.input_.empty()) {
            next = connection.take_input();
            if (next == Next::request && connection.input_.empty()) {
                connection.watch_idleness();
                const bool happened = co_await transport->input_changed().wait();
                next = happened ? Next::request
                                : connection.end_idle(Next::reset, Party::local_resource,
                                                      Mechanism::drain);
            }
            continue;
        }
        if (connection.outbox_.crowded()) {
            next = co_await connection.make_room();
            continue;
        }
        std::unique_ptr<ServerExchange> exchange = core.take_exchange();
        connection.exchange_ = exchange.get();
        next = co_await exchange->serve(connection);
        connection.exchange_ = nullptr;
        core.give_back(std::move(exchange));
    }
    connection.disarm();
    co_await connection.end(next);
}

bool ServerConnection::is_gone() const noexcept {
    switch (transport_.peer_end()) {
        case PeerEnd::none: return false;
        case PeerEnd::fin:
        case PeerEnd::cut: return core_.options().fin_is_gone;
        case PeerEnd::reset:
        case PeerEnd::lost: return true;
    }
    std::unreachable();
}

// A client that asks without reading must not make us hold all its answers.
Task<ServerConnection::Next> ServerConnection::make_room() {
    const sluice::Result<void> drained = co_await outbox_.drained();
    co_return drained ? Next::request : Next::reset;
}

// Apart from serve(), whose frame every idle connection keeps.
Task<> ServerConnection::end(Next next) {
    if (next == Next::reset) {
        // What earlier exchanges are owed goes first. If the client is gone, this fails at once.
        const sluice::Result<void> drained = co_await outbox_.drained();
        static_cast<void>(drained);
    } else if (!is_left_behind()) {
        next = co_await linger();
    }
    blame_unanswered();
    transport_.listen_for_peer_end(nullptr);
    input_.let_go();
    scope_.request_stop();
    co_await scope_.join();
    report_rest();
    co_await transport_.close(next == Next::reset ? Ending::reset : Ending::orderly);
}

// The client sends no more, and of what it was sent all is told: there is nothing to linger for.
bool ServerConnection::is_left_behind() const noexcept {
    const bool tells_rises = rises_ != nullptr && core_.wants_rises();
    return idle_end_.mechanism == Mechanism::fin && first_record_ == nullptr && !tells_rises;
}

ServerConnection::Next ServerConnection::take_input() {
    input_.let_go();
    transport_.input_changed().reset();
    if (outbox_.error()) {
        return Next::reset;  // Who cannot be answered is not served.
    }
    std::optional<sluice::Result<Received>> received = transport_.try_receive();
    if (rises_ != nullptr && core_.wants_rises() && first_record_ == nullptr) {
        look_for_rises(received.has_value() ? &*received : nullptr);
    }
    if (!received) {
        // Only now: a request that came at the last moment is served all the same.
        if (core_.draining() && (exchanges_ > 0 || timed_out_)) {
            return end_idle(Next::linger, Party::local_resource, Mechanism::drain);
        }
        return timed_out_ ? end_idle(Next::close, Party::peer, Mechanism::timeout) : Next::request;
    }
    if (!*received) {
        const sluice::Error& error = received->error();
        const bool is_cut = stream_end_of(error.code) == StreamEnd::cut;
        if (is_cut || is_lost(error)) {
            idle_end_ = receive_cause(error, ExchangePhase::idle, TimeoutKind::none);
            return is_cut ? Next::close : Next::reset;
        }
        return end_idle(Next::reset, Party::peer, Mechanism::reset);
    }
    input_ = std::move(**received);
    return input_.empty() ? end_idle(Next::close, Party::peer, Mechanism::fin) : Next::request;
}

void ServerConnection::look_for_rises(const sluice::Result<Received>* received) {
    if (received == nullptr) {
        rises_->found_nothing_more();
    } else if (*received && (*received)->empty()) {
        rises_->connection_ended(transport_.state(), false, loop().now(), *core_.observer());
    } else if (*received) {
        rises_->request_came(transport_.state(), loop().now(), *core_.observer());
    }
}

ServerConnection::Next ServerConnection::end_idle(Next next, Party party,
                                                  Mechanism mechanism) noexcept {
    const bool timeout = mechanism == Mechanism::timeout;
    idle_end_ = {party, mechanism, ExchangePhase::idle,
                 timeout ? TimeoutKind::idle : TimeoutKind::none, 0};
    return next;
}

void ServerConnection::drain() noexcept {
    disarm();  // The time for a first request is shorter now.
    if (exchange_ == nullptr) {
        transport_.input_changed().set();
    }
}

// A connection that has just come has its request under way, most likely, and nobody would have
// said why it is closed: so it has a moment even in a drain.
Instant ServerConnection::idle_until() const noexcept {
    constexpr Duration first_request_max = std::chrono::seconds(1);
    const bool is_last_chance = core_.draining() && exchanges_ == 0;
    const Duration idle_max = core_.options().idle_max;
    return after(idle_since_, is_last_chance ? std::min(idle_max, first_request_max) : idle_max);
}

// The timer stays armed while requests come and go: it looks at the time when it fires.
void ServerConnection::watch_idleness() noexcept {
    if (!armed()) {
        loop().arm(*this, idle_until());
    }
}

void ServerConnection::fired() noexcept {
    if (exchange_ != nullptr) {
        return;
    }
    if (!outbox_.empty()) {
        idle_since_ = loop().now();  // It is still busy with the last response.
    }
    const Instant due = idle_until();
    if (due > loop().now()) {
        loop().arm(*this, due);
        return;
    }
    timed_out_ = true;
    transport_.input_changed().set();
}

Task<sluice::Result<void>> ServerConnection::more_input(Duration limit) {
    input_.let_go();
    sluice::Result<Received> received = co_await with_timeout(limit, transport_.receive());
    if (!received) {
        co_return failed(received);
    }
    input_ = std::move(*received);
    if (input_.empty()) {
        co_return failure(sluice::Errc::end_of_stream, sluice::Phase::receive);
    }
    co_return sluice::Result<void>();
}

bool ServerConnection::ready_for_next() {
    idle_since_ = loop().now();
    last_record_->handled = true;
    report_finished();
    return !input_.empty() && !outbox_.crowded();
}

ServerRecord& ServerConnection::begin_record() {
    std::unique_ptr<ServerRecord> record = core_.take_record();
    Outcome& outcome = record->outcome;
    outcome.side = Side::server;
    outcome.send.phase = SendPhase::assigned;
    outcome.exchange_id = core_.new_exchange_id();
    outcome.connection.exchange = ++exchanges_;
    outcome.connection.peer = transport_.peer();
    outcome.connection.local = transport_.local();
    outcome.connection.idle = loop().now() - idle_since_;
    outcome.times.queued = loop().now();
    outcome.times.first_byte_in = loop().now();
    ServerRecord& reference = *record;
    (first_record_ == nullptr ? first_record_ : last_record_->next) = std::move(record);
    last_record_ = &reference;
    return reference;
}

void ServerConnection::message_accepted(Outcome& outcome) noexcept {
    ServerRecord* record = first_record_.get();
    while (record->answered) {
        record = record->next.get();
    }
    ensure(&record->outcome == &outcome);
    record->answered = true;
    idle_since_ = loop().now();
    report_finished();
}

// A handler notices when it answers; who waits for a request would not.
void ServerConnection::sending_failed(const sluice::Error&) noexcept {
    transport_.input_changed().set();
}

void ServerConnection::peer_ended(PeerEnd) noexcept {
    if (exchange_ != nullptr && is_gone()) {
        exchange_->client_gone();
    }
}

// Octets that the client sent after our last answer must not turn our close into a reset, which
// would destroy what it has not read: so the FIN goes first, and input is read until the client's.
Task<ServerConnection::Next> ServerConnection::linger() {
    const sluice::Result<void> drained = co_await outbox_.drained();
    if (!drained) {
        co_return Next::reset;
    }
    const SocketState state = transport_.state();
    // Its FIN may lie behind octets that were not received yet.
    const bool ended_before_us = transport_.peer_end() != PeerEnd::none || state.finished_by_peer;
    std::ignore = co_await transport_.shut_down_sending();
    // A connection that was reset by then did not take it.
    const bool fin_is_out = !transport_.state().closed;
    const bool nothing_to_lose = idle_end_ && state.unacknowledged == 0;
    const Duration patience = nothing_to_lose
                                  ? std::min(idle_linger_max, core_.options().linger_max)
                                  : core_.options().linger_max;
    const Instant until = after(loop().now(), patience);
    std::uint64_t octets = input_.size();
    Next next = Next::linger;
    while (next == Next::linger) {
        const sluice::Result<void> more = co_await more_input(until - loop().now());
        if (more) {
            octets += input_.size();
            next = octets > core_.options().linger_octets_max ? Next::close : Next::linger;
        } else {
            const sluice::Errc code = more.error().code;
            const bool orderly = code == sluice::Errc::end_of_stream ||
                                 code == sluice::Errc::cut_short || code == sluice::Errc::timed_out;
            next = orderly ? Next::close : Next::reset;
        }
    }
    sample_last(ended_before_us, fin_is_out);
    co_return next;
}

void ServerConnection::sample_last(bool ended_before_us, bool fin_is_out) noexcept {
    if (rises_ != nullptr && core_.wants_rises() && last_record_ == nullptr &&
        !sluice::is_gone(transport_.peer_end())) {
        const bool closed_after_us =
            fin_is_out && transport_.peer_end() == PeerEnd::fin && !ended_before_us;
        rises_->connection_ended(transport_.state(), closed_after_us, loop().now(),
                                 *core_.observer());
    }
    if (last_record_ == nullptr || !last_record_->answered) {
        return;
    }
    Outcome& outcome = last_record_->outcome;
    // Our FIN is counted as one octet, and acknowledged after all the others.
    const std::uint64_t unacknowledged = transport_.state().unacknowledged;
    const std::uint64_t missing = unacknowledged - (fin_is_out && unacknowledged > 0 ? 1 : 0);
    const std::uint64_t all = outcome.send.wire_accepted();
    outcome.acknowledge(all - std::min(all, missing), loop().now());
    switch (transport_.peer_end()) {
        case PeerEnd::none: return;
        case PeerEnd::fin:
            outcome.receive.end = StreamEnd::fin;
            if (unacknowledged == 0 && !ended_before_us) {
                outcome.send.confirmation = Confirmation::orderly_close;
            }
            return;
        case PeerEnd::cut: outcome.receive.end = StreamEnd::cut; return;
        case PeerEnd::reset:
        case PeerEnd::lost:
            outcome.receive.end = StreamEnd::reset;
            outcome.blame(cause_of(transport_.peer_end(), ExchangePhase::linger));
            return;
    }
}

// Says of what was not answered whether the client went, stalled, or we gave up.
void ServerConnection::blame_unanswered() noexcept {
    const std::optional<sluice::Error>& error = outbox_.error();
    for (ServerRecord* record = first_record_.get(); record != nullptr;
         record = record->next.get()) {
        Outcome& outcome = record->outcome;
        outcome.connection.reusable = false;
        if (record->answered || outcome.cause) {
            continue;
        }
        const ExchangePhase phase = sending_phase_of(outcome);
        if (error && error->code != sluice::Errc::cancelled) {
            outcome.blame(send_cause(*error, outcome));
        } else if (sluice::is_gone(transport_.peer_end())) {
            outcome.blame(cause_of(transport_.peer_end(), phase));
        } else {
            outcome.blame({Party::local_resource, Mechanism::drain, phase, TimeoutKind::none, 0});
        }
    }
}

void ServerConnection::report_finished() noexcept {
    while (first_record_ != nullptr && first_record_->handled && first_record_->answered) {
        first_record_->outcome.times.ended = loop().now();
        forget_unsent_status(first_record_->outcome);
        if (is_secure_) {
            note_tls(transport_, first_record_->outcome);
        }
        core_.report(first_record_->outcome);
        if (core_.wants_rises() && first_record_->outcome.connection.reusable) [[unlikely]] {
            keep_for_rises(first_record_->outcome);
        }
        std::unique_ptr<ServerRecord> next = std::move(first_record_->next);
        core_.give_back(std::exchange(first_record_, std::move(next)));
    }
    if (first_record_ == nullptr) {
        last_record_ = nullptr;
        const bool waits = exchange_ == nullptr && !transport_.input_changed().is_set();
        if (rises_ != nullptr && waits && input_.empty()) {
            rises_->found_nothing_more();
        }
    }
}

void ServerConnection::keep_for_rises(const Outcome& outcome) {
    if (rises_ == nullptr) {
        rises_ = std::make_unique<DeliveryRises>();
    }
    rises_->ended(outcome);
}

void ServerConnection::report_rest() noexcept {
    if (exchanges_ == 0) {
        report_no_exchange();
    }
    for (ServerRecord* record = first_record_.get(); record != nullptr;
         record = record->next.get()) {
        record->handled = true;
        record->answered = true;
    }
    report_finished();
}

// A connection that never carried a request: a probe, or a client that changed its mind.
void ServerConnection::report_no_exchange() noexcept {
    Outcome outcome;
    outcome.side = Side::server;
    outcome.exchange_id = core_.new_exchange_id();
    outcome.connection.peer = transport_.peer();
    outcome.connection.local = transport_.local();
    outcome.times.queued = idle_since_;
    outcome.times.ended = loop().now();
    outcome.blame(idle_end_);
    note_tls(transport_, outcome);
    core_.report(outcome);
}

}  // namespace sluice::http
