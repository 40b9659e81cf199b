// ServerCore: what the connections of one server share.
//
// Ownership:    Owns the pools that connections borrow from, so that an idle connection holds
//               neither parser nor record nor block.
// Threading:    The loop's thread.

#pragma once

#include "sluice/http/date.h"
#include "sluice/http/handler.h"
#include "sluice/http/outbox.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/http/server_options.h"
#include "sluice/http/server_record.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/timers.h"
#include "sluice/runtime/transport.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::http {

class ServerConnection;
class ServerExchange;

class ServerCore final : private Timer {
public:
    ServerCore(Loop& loop, Handler handler, const ServerOptions& options);
    ServerCore(ServerCore&&) = delete;
    ~ServerCore();

    Task<sluice::Result<void>> serve(Acceptor& acceptor);
    void drain(Duration patience) noexcept;

    [[nodiscard]] Loop& loop() noexcept { return loop_; }
    [[nodiscard]] const Handler& handler() const noexcept { return handler_; }
    [[nodiscard]] const ServerOptions& options() const noexcept { return options_; }
    [[nodiscard]] BlockPool& blocks() noexcept { return blocks_; }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

    // The value of Date, of about now.
    [[nodiscard]] std::string_view date() noexcept;

    void observe(OutcomeObserver* observer) noexcept;
    [[nodiscard]] OutcomeObserver* observer() const noexcept { return observer_; }
    [[nodiscard]] bool wants_rises() const noexcept { return wants_rises_; }
    void report(const Outcome& outcome);

    [[nodiscard]] std::uint64_t new_exchange_id() noexcept { return ++last_exchange_id_; }

    [[nodiscard]] std::unique_ptr<ServerRecord> take_record();
    void give_back(std::unique_ptr<ServerRecord> record) noexcept;
    [[nodiscard]] std::unique_ptr<ServerExchange> take_exchange();
    void give_back(std::unique_ptr<ServerExchange> exchange) noexcept;

    void opened(ServerConnection& connection);
    void closed(ServerConnection& connection) noexcept;

private:
    static constexpr std::size_t kept_max = 1024;

    Task<sluice::Result<void>> accept_until_drained(Acceptor& acceptor);
    void fired() noexcept override;  // The patience of drain() is over.

    Loop& loop_;
    Handler handler_;
    ServerOptions options_;
    OutcomeObserver* observer_ = nullptr;
    std::uint64_t last_exchange_id_;
    BlockPool blocks_;
    DateCache date_;
    Instant date_read_ = Instant::min();
    std::int64_t unix_seconds_ = 0;
    std::unique_ptr<ServerRecord> free_records_;  // A list.
    std::size_t free_records_count_ = 0;
    std::vector<std::unique_ptr<ServerExchange>> exchanges_;
    std::vector<ServerConnection*> connections_;
    Event connection_closed_;
    Scope* serving_ = nullptr;
    StopSource* accepting_ = nullptr;
    bool wants_rises_ = false;
    bool draining_ = false;
    Instant drain_until_ = never;
};

}  // namespace sluice::http
