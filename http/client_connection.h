// ClientConnection: one connection of a client, used by one exchange at a time.
//
// One coroutine stays with it for life and waits for its input, whatever it is used for: so answers
// that come early are noticed while the request is being sent, and the end of an idle connection
// when it happens.
//
// Ownership:    Borrows the transport, which run() closes. Lives until run() has completed.
// Cancellation: close() ends and awaits what is in flight before the transport is closed; its
//               exchange is told after that.
// Threading:    The loop's thread.
// Source:       RFC 9112 9.3, 9.5, 9.6.

#pragma once

#include "sluice/http/outbox.h"
#include "sluice/http/outcome.h"
#include "sluice/runtime/backend.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/timers.h"
#include "sluice/runtime/transport.h"

#include <cstdint>

namespace sluice::http {

class ClientExchange;
class ClientPool;
struct ClientOrigin;

// What of a connect happened for an exchange, and not before there was one.
void note_connecting(const ConnectTimes& connecting, Times& times) noexcept;

class ClientConnection final : private OutboxListener, private Timer {
public:
    ClientConnection(ClientPool& pool, ClientOrigin& origin, Transport& transport,
                     const ConnectTimes& times);
    ClientConnection(ClientConnection&&) = delete;
    ~ClientConnection();

    // The connection's whole life.
    [[nodiscard]] Task<> run();

    [[nodiscard]] ClientOrigin& origin() noexcept { return origin_; }
    [[nodiscard]] Transport& transport() noexcept { return transport_; }
    [[nodiscard]] Outbox& outbox() noexcept { return outbox_; }
    [[nodiscard]] Scope& scope() noexcept { return scope_; }

    // Whether the peer has neither ended nor said anything unasked. Of an idle connection.
    [[nodiscard]] bool is_quiet() noexcept;

    // Gives it to an exchange.
    void assign(ClientExchange& exchange);
    // The exchange is done with it; if `reusable`, the pool has it now. Yields whether it is.
    bool part(bool reusable);
    // It is in the pool, and waits to be used.
    void rest();
    // Ends run(), soon.
    void close(Ending ending) noexcept;
    // Makes run() look again.
    void wake() noexcept { transport_.input_changed().set(); }

private:
    void message_accepted(Outcome& outcome) noexcept override;
    void sending_failed(const sluice::Error& error) noexcept override;
    void fired() noexcept override { close(Ending::orderly); }

    // What is known of the connection goes into its record.
    void leave(ClientExchange& exchange) noexcept;
    // Of an exchange that ends because its connection does.
    void sample_acknowledged(Outcome& outcome) noexcept;

    ClientPool& pool_;
    ClientOrigin& origin_;
    Transport& transport_;
    Scope scope_;
    Outbox outbox_;
    ClientExchange* exchange_ = nullptr;
    ConnectTimes connect_times_;
    Instant idle_since_;
    std::uint32_t exchanges_ = 0;
    Ending ending_ = Ending::orderly;
    bool closing_ = false;
    bool resting_ = false;
    const bool is_secure_;
};

}  // namespace sluice::http
