#include "sluice/http/server_connection.h"

#include "sluice/http/server_exchange.h"
#include "sluice/http/transport_cause.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::http {

ServerConnection::ServerConnection(ServerCore& core, Transport& transport,
                                   const Context& context) noexcept
    : core_(core),
      transport_(transport),
      scope_(context),
      outbox_(core.loop(), scope_, core.blocks(), transport, *this, core.options().stall_max),
      idle_since_(core.loop().now()) {
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
                core.loop().arm(connection, connection.idle_since_ + core.options().idle_max);
                const bool happened = co_await transport->input_changed().wait();
                connection.disarm();
                next = happened ? Next::request : Next::reset;
            }
            continue;
        }
        std::unique_ptr<ServerExchange> exchange = core.take_exchange();
        connection.exchange_ = exchange.get();
        next = co_await exchange->run(connection, connection.begin_record());
        connection.exchange_ = nullptr;
        core.give_back(std::move(exchange));
        connection.idle_since_ = core.loop().now();
        if (next == Next::request) {
            connection.last_record_->handled = true;
            connection.report_finished();
        }
    }
    if (next == Next::linger || next == Next::close) {
        next = co_await connection.linger();
    }
    transport->listen_for_peer_end(nullptr);
    connection.input_.let_go();
    connection.scope_.request_stop();
    co_await connection.scope_.join();
    co_await transport->close(next == Next::reset ? Ending::reset : Ending::orderly);
    connection.report_rest(next);
}

ServerConnection::Next ServerConnection::take_input() {
    input_.let_go();
    transport_.input_changed().reset();
    std::optional<sluice::Result<Received>> received = transport_.try_receive();
    if (!received) {
        // Only now: a request that came at the last moment is served all the same.
        if (timed_out_) {
            return Next::close;
        }
        return core_.draining() ? Next::linger : Next::request;
    }
    if (!*received) {
        return Next::reset;
    }
    input_ = std::move(**received);
    return input_.empty() ? Next::close : Next::request;
}

void ServerConnection::drain() noexcept {
    if (exchange_ == nullptr) {
        transport_.input_changed().set();
    }
}

void ServerConnection::fired() noexcept {
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

ServerRecord& ServerConnection::begin_record() {
    std::unique_ptr<ServerRecord> record = core_.take_record();
    Outcome& outcome = record->outcome;
    outcome.side = Side::server;
    outcome.send.phase = SendPhase::assigned;
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
    report_finished();
}

void ServerConnection::peer_ended(PeerEnd end) noexcept {
    const bool gone = end == PeerEnd::reset || core_.options().fin_is_gone;
    if (gone && exchange_ != nullptr) {
        exchange_->client_gone(end);
    }
}

// Octets that the client sent after our last answer must not turn our close into a reset, which
// would destroy what it has not read: so the FIN goes first, and input is read until the client's.
Task<ServerConnection::Next> ServerConnection::linger() {
    const sluice::Result<void> drained = co_await outbox_.drained();
    if (!drained) {
        co_return Next::reset;
    }
    co_await transport_.shut_down_sending();
    const Instant until = loop().now() + core_.options().linger_max;
    std::uint64_t octets = input_.size();
    while (octets <= core_.options().linger_octets_max) {
        const sluice::Result<void> more = co_await more_input(until - loop().now());
        if (!more) {
            const bool orderly = more.error().code == sluice::Errc::end_of_stream;
            if (orderly || more.error().code == sluice::Errc::reset) {
                confirm_last();
            }
            co_return orderly || more.error().code == sluice::Errc::timed_out ? Next::close
                                                                              : Next::reset;
        }
        octets += input_.size();
    }
    co_return Next::close;
}

void ServerConnection::confirm_last() noexcept {
    if (last_record_ == nullptr || !last_record_->answered) {
        return;
    }
    Outcome& outcome = last_record_->outcome;
    if (transport_.state().unacknowledged != 0) {
        return;
    }
    outcome.acknowledge(outcome.send.wire_accepted(), loop().now());
    if (transport_.peer_end() == PeerEnd::fin) {
        outcome.receive.end = StreamEnd::fin;
        outcome.send.confirmation = Confirmation::orderly_close;
    } else {
        outcome.receive.end = StreamEnd::reset;
        outcome.blame({Party::peer, Mechanism::reset, ExchangePhase::linger, TimeoutKind::none, 0});
    }
}

void ServerConnection::report_finished() noexcept {
    while (first_record_ != nullptr && first_record_->handled && first_record_->answered) {
        std::unique_ptr<ServerRecord> record = std::move(first_record_);
        first_record_ = std::move(record->next);
        if (first_record_ == nullptr) {
            last_record_ = nullptr;
        }
        record->outcome.times.ended = loop().now();
        core_.report(record->outcome);
        core_.give_back(std::move(record));
    }
}

void ServerConnection::report_rest(Next next) noexcept {
    if (exchanges_ == 0) {
        report_no_exchange();
    }
    for (ServerRecord* record = first_record_.get(); record != nullptr;
         record = record->next.get()) {
        Outcome& outcome = record->outcome;
        outcome.connection.reusable = false;
        if (!record->answered) {
            if (outbox_.error()) {
                outcome.blame(send_cause(*outbox_.error(), outcome));
            } else if (next == Next::reset && is_reset()) {
                outcome.blame({Party::peer, Mechanism::reset, sending_phase_of(outcome),
                               TimeoutKind::none, 0});
            } else if (!outcome.cause) {
                outcome.blame({Party::local_resource, Mechanism::drain, sending_phase_of(outcome),
                               TimeoutKind::none, 0});
            }
        }
        record->handled = true;
        record->answered = true;
    }
    report_finished();
}

// A connection that never carried a request: a probe, or a client that changed its mind.
void ServerConnection::report_no_exchange() noexcept {
    Outcome outcome;
    outcome.side = Side::server;
    outcome.connection.exchange = 1;
    outcome.times.queued = idle_since_;
    outcome.times.ended = loop().now();
    const PeerEnd end = transport_.peer_end();
    if (timed_out_) {
        outcome.blame({Party::peer, Mechanism::timeout, ExchangePhase::idle, TimeoutKind::idle, 0});
    } else if (end == PeerEnd::none) {
        outcome.blame(
            {Party::local_resource, Mechanism::drain, ExchangePhase::idle, TimeoutKind::none, 0});
    } else {
        outcome.blame({Party::peer, end == PeerEnd::fin ? Mechanism::fin : Mechanism::reset,
                       ExchangePhase::idle, TimeoutKind::none, 0});
    }
    core_.report(outcome);
}

}  // namespace sluice::http
