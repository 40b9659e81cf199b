#include "sluice/http/client_connection.h"

#include "sluice/http/client_exchange.h"
#include "sluice/http/client_options.h"
#include "sluice/http/client_pool.h"
#include "sluice/http/transport_cause.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::http {

void note_connecting(const ConnectTimes& connecting, Times& times) noexcept {
    const auto since_queued = [&](Instant at) { return at >= times.queued ? at : never; };
    times.resolved = since_queued(connecting.resolved);
    times.secured = since_queued(connecting.secured);
}

ClientConnection::ClientConnection(ClientPool& pool, ClientOrigin& origin, Transport& transport,
                                   const ConnectTimes& times)
    : pool_(pool),
      origin_(origin),
      transport_(transport),
      scope_(pool.loop()),
      outbox_(pool.loop(), scope_, pool.blocks(), transport, *this, pool.options().stall_max),
      connect_times_(times),
      idle_since_(pool.loop().now()),
      is_secure_(transport.security() != nullptr) {}

ClientConnection::~ClientConnection() {
    ensure(exchange_ == nullptr);
}

Task<> ClientConnection::run() {
    Event& changed = transport_.input_changed();
    while (!closing_) {
        changed.reset();
        if (exchange_ != nullptr) {
            exchange_->look();
        } else if (!is_quiet()) {
            close(Ending::orderly);
        }
        if (!closing_) {
            co_await changed.wait_regardless();
        }
    }
    // What is in flight is stopped, and what it had done by then is booked.
    scope_.request_stop();
    co_await scope_.join();
    while (exchange_ != nullptr && exchange_->is_writing()) {
        changed.reset();
        co_await changed.wait_regardless();
    }
    if (exchange_ != nullptr) {
        exchange_->take_last_input();
    }
    if (exchange_ != nullptr) {
        sample_acknowledged(exchange_->outcome_record());
    }
    co_await transport_.close(ending_);
    if (exchange_ != nullptr) {
        ClientExchange& exchange = *exchange_;
        leave(exchange);
        exchange.disconnected();
    }
}

bool ClientConnection::is_quiet() noexcept {
    if (closing_ || transport_.peer_end() != PeerEnd::none) {
        return false;
    }
    const std::optional<sluice::Result<Received>> received = transport_.try_receive();
    return !received.has_value();
}

void ClientConnection::assign(ClientExchange& exchange) {
    ensure(exchange_ == nullptr);
    ensure(!closing_);
    disarm();
    resting_ = false;
    exchange_ = &exchange;
    ++exchanges_;
    Outcome& outcome = exchange.outcome_record();
    outcome.connection.exchange = exchanges_;
    outcome.connection.peer = transport_.peer();
    outcome.connection.local = transport_.local();
    outcome.connection.idle = pool_.loop().now() - idle_since_;
    if (exchanges_ == 1) {
        note_connecting(connect_times_, outcome.times);
        outcome.times.connected = pool_.loop().now();
    }
    exchange.assigned(*this);
}

void ClientConnection::leave(ClientExchange& exchange) noexcept {
    if (is_secure_) {
        note_tls(transport_, exchange.outcome_record());
    }
    exchange_ = nullptr;
}

// A request is the last that its connection carried if it ends with it: what is not acknowledged of
// the connection is of its octets. The answer to a request says more, for no system call.
void ClientConnection::sample_acknowledged(Outcome& outcome) noexcept {
    const std::uint64_t all = outcome.send.wire_accepted();
    if (all > 0) {
        const std::uint64_t missing = transport_.state().unacknowledged;
        outcome.acknowledge(all - std::min(all, missing), pool_.loop().now());
    }
}

bool ClientConnection::part(bool reusable) {
    leave(*exchange_);
    idle_since_ = pool_.loop().now();
    const bool is_reusable = reusable && is_quiet();
    if (!is_reusable) {
        close(Ending::orderly);
    }
    return is_reusable;
}

void ClientConnection::rest() {
    resting_ = true;
    if (pool_.options().idle_max != never) {
        pool_.loop().arm(*this, pool_.loop().now() + pool_.options().idle_max);
    }
}

void ClientConnection::close(Ending ending) noexcept {
    if (!std::exchange(closing_, true)) {
        ending_ = ending;
        disarm();
        if (std::exchange(resting_, false)) {
            pool_.forget_idle(*this);
        }
    }
    wake();
}

void ClientConnection::message_accepted(Outcome&) noexcept {
    if (exchange_ != nullptr) {
        exchange_->request_accepted();
    }
}

void ClientConnection::sending_failed(const sluice::Error& error) noexcept {
    if (exchange_ != nullptr) {
        exchange_->sending_failed(error);
    }
}

}  // namespace sluice::http
