#include "sluice/http/server_core.h"

#include "sluice/http/server_connection.h"
#include "sluice/http/server_exchange.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"

#include <atomic>
#include <cstddef>
#include <cstring>
#include <utility>

namespace sluice::http {

namespace {

constinit const Outcome fresh_outcome;

// To copy a fresh one is quicker than to set each of its facts; but in halves, since one copy of
// this size becomes a `rep movs` with GCC, which is slow to start.
void renew(Outcome& outcome) noexcept {
    constexpr std::size_t half = sizeof(Outcome) / 2;
    auto* const to = reinterpret_cast<std::byte*>(&outcome);
    const auto* const from = reinterpret_cast<const std::byte*>(&fresh_outcome);
    std::memcpy(to, from, half);
    std::memcpy(to + half, from + half, sizeof(Outcome) - half);
}

// A range for each server of the process, wide enough for all exchanges it will ever have.
std::uint64_t first_exchange_id() noexcept {
    static std::atomic<std::uint64_t> servers{0};
    return servers.fetch_add(1, std::memory_order_relaxed) << 40;
}

}  // namespace

ServerCore::ServerCore(Loop& loop, Handler handler, const ServerOptions& options)
    : loop_(loop),
      handler_(std::move(handler)),
      options_(options),
      last_exchange_id_(first_exchange_id()) {}

ServerCore::~ServerCore() {
    ensure(connections_.empty());
    while (free_records_ != nullptr) {  // One by one: a list's own end would recurse.
        free_records_ = std::move(free_records_->next);
    }
}

Task<sluice::Result<void>> ServerCore::serve(Acceptor& acceptor) {
    const Context context = co_await this_task();
    ensure(serving_ == nullptr);
    Scope scope(context);
    serving_ = &scope;
    const sluice::Result<void> accepted = co_await accept_until_drained(acceptor);
    co_await acceptor.close();
    if (!accepted) {
        drain(never);  // Nobody else can come, and who is here should not keep that a secret.
    }
    co_await scope.join();
    serving_ = nullptr;
    disarm();
    co_return accepted;
}

Task<sluice::Result<void>> ServerCore::accept_until_drained(Acceptor& acceptor) {
    const Context context = co_await this_task();
    StopSource accepting(context.stop);
    accepting_ = &accepting;
    sluice::Result<void> done;
    // In a drain, what has come already is taken in, and no more.
    while (true) {
        if (serving_->running() >= options_.connections_max) {
            if (accepting.requested()) {
                break;
            }
            connection_closed_.reset();
            co_await connection_closed_.wait();
            continue;
        }
        Under<sluice::Result<std::unique_ptr<Transport>>> next(&accepting, acceptor.accept());
        sluice::Result<std::unique_ptr<Transport>> transport = co_await next;
        if (!transport) {
            if (transport.error().code != sluice::Errc::cancelled) {
                done = failed(transport);
            }
            break;
        }
        serving_->spawn(ServerConnection::serve(*this, std::move(*transport)));
    }
    accepting_ = nullptr;
    co_return done;
}

void ServerCore::drain(Duration patience) noexcept {
    const Instant until = after(loop_.now(), patience);
    if (!std::exchange(draining_, true) || until < drain_until_) {
        drain_until_ = until;
        loop_.arm(*this, until);
    }
    if (accepting_ != nullptr) {
        accepting_->request();
    }
    connection_closed_.set();
    for (ServerConnection* const connection : connections_) {
        connection->drain();
    }
}

void ServerCore::fired() noexcept {
    if (serving_ != nullptr) {
        serving_->request_stop();
    }
}

std::string_view ServerCore::date() noexcept {
    constexpr Duration fresh = std::chrono::milliseconds(100);
    if (date_read_ == Instant::min() || loop_.now() - date_read_ > fresh) {
        date_read_ = loop_.now();
        unix_seconds_ = loop_.backend().unix_seconds();
    }
    return date_.at(unix_seconds_);
}

void ServerCore::report(const Outcome& outcome) {
    if (observer_ != nullptr) {
        observer_->exchange_ended(outcome);
    }
}

void ServerCore::observe(OutcomeObserver* observer) noexcept {
    observer_ = observer;
    wants_rises_ = observer != nullptr && observer->wants_rises();
}

std::unique_ptr<ServerRecord> ServerCore::take_record() {
    if (free_records_ == nullptr) {
        return std::make_unique<ServerRecord>();
    }
    --free_records_count_;
    std::unique_ptr<ServerRecord> record = std::move(free_records_);
    free_records_ = std::move(record->next);
    renew(record->outcome);
    record->handled = false;
    record->answered = false;
    return record;
}

void ServerCore::give_back(std::unique_ptr<ServerRecord> record) noexcept {
    if (free_records_count_ < kept_max) {
        ++free_records_count_;
        record->next = std::move(free_records_);
        free_records_ = std::move(record);
    }
}

std::unique_ptr<ServerExchange> ServerCore::take_exchange() {
    if (exchanges_.empty()) {
        return std::make_unique<ServerExchange>(options_.limits);
    }
    std::unique_ptr<ServerExchange> exchange = std::move(exchanges_.back());
    exchanges_.pop_back();
    return exchange;
}

void ServerCore::give_back(std::unique_ptr<ServerExchange> exchange) noexcept {
    if (exchanges_.size() < kept_max) {
        exchanges_.push_back(std::move(exchange));
    }
}

void ServerCore::opened(ServerConnection& connection) {
    connection.index = connections_.size();
    connections_.push_back(&connection);
}

void ServerCore::closed(ServerConnection& connection) noexcept {
    ServerConnection* const last = connections_.back();
    connections_[connection.index] = last;
    last->index = connection.index;
    connections_.pop_back();
    connection_closed_.set();
}

}  // namespace sluice::http
