// ClientPool: a client's connections by origin, and the exchanges that use them or wait for one.
//
// An idle connection is taken last in, first out, so that the others may grow old and be closed. An
// exchange that finds none has one opened for it, up to the limit; whichever connection comes free
// first then goes to whoever has waited longest.
//
// Ownership:    Owns exchanges, and the tasks of connections. Borrows loop and connectors.
// Threading:    The loop's thread.

#pragma once

#include "sluice/http/client_exchange.h"
#include "sluice/http/client_options.h"
#include "sluice/http/client_request.h"
#include "sluice/http/outbox.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/http/url.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

namespace sluice::http {

class ClientConnection;

// What is kept for one origin.
struct ClientOrigin {
    Origin name;
    std::vector<ClientConnection*> idle;  // The last is the one that was used last.
    std::deque<ClientExchange*> waiting;
    std::size_t open = 0;        // Connections, those being opened included.
    std::size_t connecting = 0;  // Of these.
};

// A connection being opened, for an exchange that may have found another one meanwhile.
struct ConnectAttempt {
    ConnectAttempt(ClientExchange& wanted_by, StopSource& parent) noexcept
        : exchange(&wanted_by), stop(&parent) {}

    ClientExchange* exchange;
    StopSource stop;
};

class ClientPool {
public:
    ClientPool(Loop& loop, Connector& connector, const ClientOptions& options);
    ClientPool(ClientPool&&) = delete;
    ~ClientPool();

    void observe(OutcomeObserver* observer) noexcept { observer_ = observer; }
    void connect_https_with(Connector& connector) noexcept { https_connector_ = &connector; }
    [[nodiscard]] ClientExchange& begin(const ClientRequest& request);
    [[nodiscard]] Task<> close(Duration patience);

    [[nodiscard]] Loop& loop() noexcept { return loop_; }
    [[nodiscard]] BlockPool& blocks() noexcept { return blocks_; }
    [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }
    [[nodiscard]] bool aborting() const noexcept { return aborting_; }
    [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }
    [[nodiscard]] std::size_t idle_connections() const noexcept { return idle_; }

    // Gives `exchange` a connection, now or later, or fails it.
    void acquire(ClientExchange& exchange);
    // It does not want one any more. Its attempt to connect is stopped, and then tells it.
    void withdraw(ClientExchange& exchange);
    // Told once of each, before its handle may let go.
    void report(const Outcome& outcome);
    void recycle(ClientExchange& exchange);

    // A connection that can be used again.
    void release(ClientConnection& connection);
    void forget_idle(ClientConnection& connection);

private:
    [[nodiscard]] Task<sluice::Result<void>> all_ended();
    void abort_all();
    [[nodiscard]] Connector* connector_of(Scheme scheme) const noexcept;
    [[nodiscard]] ClientExchange& take_exchange();
    void connect_more(ClientOrigin& origin);
    void make_room_for_fresh(ClientOrigin& origin);
    [[nodiscard]] bool serve_waiting(ClientConnection& connection, bool is_fresh);
    [[nodiscard]] Task<> connect(ClientOrigin& origin, std::unique_ptr<ConnectAttempt> attempt);
    [[nodiscard]] Task<> keep(ClientOrigin& origin, Transport& transport,
                              const ConnectTimes& times);

    Loop& loop_;
    Connector& connector_;
    Connector* https_connector_ = nullptr;
    ClientOptions options_;
    OutcomeObserver* observer_ = nullptr;
    Scope scope_;
    BlockPool blocks_;
    std::unordered_map<Origin, ClientOrigin> origins_;
    std::vector<ClientConnection*> connections_;
    std::size_t idle_ = 0;
    std::vector<std::unique_ptr<ClientExchange>> exchanges_;
    std::vector<ClientExchange*> unused_;
    std::size_t under_way_ = 0;  // Exchanges that have not ended.
    Event exchange_ended_;
    bool closing_ = false;   // No new exchanges.
    bool aborting_ = false;  // And none of those begun goes on.
};

}  // namespace sluice::http
