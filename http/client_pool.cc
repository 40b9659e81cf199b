#include "sluice/http/client_pool.h"

#include "sluice/http/client_connection.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::http {

ClientPool::ClientPool(Loop& loop, Connector& connector, const ClientOptions& options)
    : loop_(loop), connector_(connector), options_(options), scope_(loop) {}

ClientPool::~ClientPool() {
    ensure(connections_.empty());
    ensure(unused_.size() == exchanges_.size());
}

ClientExchange& ClientPool::begin(const ClientRequest& request) {
    ClientExchange& exchange = take_exchange();
    ++under_way_;
    if (request.error()) {
        exchange.prepare_refusal(request.error());
        exchange.fail({Party::application, Mechanism::protocol, ExchangePhase::none});
    } else if (connector_of(request.url().scheme()) == nullptr) {
        exchange.prepare_refusal(Error{Errc::url_malformed});
        exchange.fail({Party::application, Mechanism::protocol, ExchangePhase::connect});
    } else if (closing_) {
        exchange.prepare_refusal(std::nullopt);
        exchange.fail({Party::application, Mechanism::drain, ExchangePhase::pool_wait});
    } else {
        const Origin& name = request.url().origin();
        const auto found = origins_.find(name);
        ClientOrigin& origin = found != origins_.end() ? found->second : origins_[name];
        if (found == origins_.end()) {
            origin.name = name;
        }
        exchange.prepare(request, origin);
        acquire(exchange);
    }
    return exchange;
}

Connector* ClientPool::connector_of(Scheme scheme) const noexcept {
    return scheme == Scheme::https ? https_connector_ : &connector_;
}

ClientExchange& ClientPool::take_exchange() {
    if (unused_.empty()) {
        exchanges_.push_back(std::make_unique<ClientExchange>(*this));
        unused_.reserve(exchanges_.size());
        return *exchanges_.back();
    }
    ClientExchange& exchange = *unused_.back();
    unused_.pop_back();
    return exchange;
}

void ClientPool::acquire(ClientExchange& exchange) {
    ClientOrigin& origin = exchange.origin();
    while (!exchange.needs_fresh_connection() && !origin.idle.empty()) {
        ClientConnection& connection = *origin.idle.back();
        if (connection.is_quiet()) {
            origin.idle.pop_back();
            --idle_;
            connection.assign(exchange);
            return;
        }
        connection.close(Ending::orderly);  // It leaves the idle ones by this.
    }
    const bool is_full = origin.open >= options_.connections_per_origin_max;
    if (is_full && origin.waiting.size() >= options_.waiters_per_origin_max + origin.connecting) {
        exchange.fail({Party::local_resource, Mechanism::limit, ExchangePhase::pool_wait});
        return;
    }
    origin.waiting.push_back(&exchange);
    connect_more(origin);
    if (exchange.attempt == nullptr) {
        exchange.wait_for_turn();
    }
}

void ClientPool::withdraw(ClientExchange& exchange) {
    if (exchange.attempt != nullptr) {
        exchange.attempt->stop.request();
    }
    ClientOrigin& origin = exchange.origin();
    std::erase(origin.waiting, &exchange);
}

// Opens connections for those who wait and for whom none is being opened.
void ClientPool::connect_more(ClientOrigin& origin) {
    if (aborting_) {
        return;
    }
    make_room_for_fresh(origin);
    for (ClientExchange* const exchange : origin.waiting) {
        if (origin.connecting >= origin.waiting.size() ||
            origin.open >= options_.connections_per_origin_max) {
            return;
        }
        if (exchange->attempt == nullptr) {
            auto attempt = std::make_unique<ConnectAttempt>(*exchange, scope_.stop());
            exchange->attempt = attempt.get();
            ++origin.open;
            ++origin.connecting;
            scope_.spawn(connect(origin, std::move(attempt)));
        }
    }
}

// Who may not use an idle connection must not wait behind one.
void ClientPool::make_room_for_fresh(ClientOrigin& origin) {
    const bool is_full = origin.open >= options_.connections_per_origin_max;
    if (is_full && !origin.waiting.empty() && !origin.idle.empty()) {
        origin.idle.front()->close(Ending::orderly);
    }
}

Task<> ClientPool::connect(ClientOrigin& origin, std::unique_ptr<ConnectAttempt> attempt) {
    const Duration limit = options_.connect_max;
    const Instant deadline = limit == never ? never : loop_.now() + limit;
    Connector& connector = *connector_of(origin.name.scheme);
    ConnectTimes times;
    Task<sluice::Result<std::unique_ptr<Transport>>> task =
        with_deadline(deadline, connector.connect(origin.name.host, origin.name.port, times));
    Under<sluice::Result<std::unique_ptr<Transport>>> connecting(&attempt->stop, std::move(task));
    const sluice::Result<std::unique_ptr<Transport>> transport = co_await connecting;

    --origin.connecting;
    ClientExchange* const exchange = attempt->exchange;
    attempt.reset();
    if (exchange != nullptr) {
        exchange->attempt = nullptr;
        if (!transport || exchange->has_failed()) {
            std::erase(origin.waiting, exchange);
            note_connecting(times, exchange->outcome_record().times);
            exchange->connect_failed(transport ? sluice::Error{sluice::Errc::cancelled}
                                               : transport.error());
        }
    }
    if (transport) {
        co_await keep(origin, **transport, times);
    }
    --origin.open;
    connect_more(origin);
}

Task<> ClientPool::keep(ClientOrigin& origin, Transport& transport, const ConnectTimes& times) {
    ClientConnection connection(*this, origin, transport, times);
    connections_.push_back(&connection);
    if (!serve_waiting(connection, true)) {
        release(connection);
    }
    co_await connection.run();
    std::erase(connections_, &connection);
}

bool ClientPool::serve_waiting(ClientConnection& connection, bool is_fresh) {
    std::deque<ClientExchange*>& waiting = connection.origin().waiting;
    const auto next = std::ranges::find_if(waiting, [is_fresh](const ClientExchange* exchange) {
        return is_fresh || !exchange->needs_fresh_connection();
    });
    if (next == waiting.end()) {
        return false;
    }
    ClientExchange& exchange = **next;
    waiting.erase(next);
    if (exchange.attempt != nullptr) {
        // What is being opened will serve another one, or rest.
        std::exchange(exchange.attempt, nullptr)->exchange = nullptr;
    }
    connection.assign(exchange);
    return true;
}

void ClientPool::release(ClientConnection& connection) {
    if (!aborting_ && serve_waiting(connection, false)) {
        return;
    }
    if (closing_ || idle_ >= options_.idle_connections_max) {
        connection.close(Ending::orderly);
        return;
    }
    ++idle_;
    connection.origin().idle.push_back(&connection);
    connection.rest();
}

void ClientPool::forget_idle(ClientConnection& connection) {
    --idle_;
    std::erase(connection.origin().idle, &connection);
}

void ClientPool::report(const Outcome& outcome) {
    if (observer_ != nullptr) {
        observer_->exchange_ended(outcome);
    }
    --under_way_;
    exchange_ended_.set();
}

void ClientPool::recycle(ClientExchange& exchange) {
    unused_.push_back(&exchange);
}

Task<> ClientPool::close(Duration patience) {
    closing_ = true;
    for (auto& [name, origin] : origins_) {
        while (!origin.idle.empty()) {
            origin.idle.back()->close(Ending::orderly);  // It leaves the idle ones by this.
        }
    }
    const sluice::Result<void> ended = co_await with_timeout(patience, all_ended());
    if (!ended) {
        abort_all();
    }
    for (ClientConnection* const connection : connections_) {
        connection->close(Ending::orderly);
    }
    scope_.request_stop();  // What is being opened and nobody waits for.
    co_await scope_.join();
}

Task<sluice::Result<void>> ClientPool::all_ended() {
    while (under_way_ > 0) {
        exchange_ended_.reset();
        const bool happened = co_await exchange_ended_.wait();
        if (!happened) {
            co_return failure(sluice::Errc::cancelled, sluice::Phase::none);
        }
    }
    co_return sluice::Result<void>();
}

void ClientPool::abort_all() {
    aborting_ = true;
    for (std::size_t index = 0; index < exchanges_.size(); ++index) {
        ClientExchange& exchange = *exchanges_[index];
        exchange.fail({Party::application, Mechanism::drain, exchange.phase()});
    }
}

}  // namespace sluice::http
