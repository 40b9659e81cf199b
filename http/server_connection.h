// ServerConnection: one client's connection, from its acceptance until it is closed.
//
// Between requests it holds no parser, no record and no block: only the transport, with a receive
// armed, and one timer. Requests are served one after another; their records wait in line until the
// kernel has accepted what belongs to them, and are reported in that order.
//
// Ownership:    Lives in the frame of serve(), which owns the transport too.
// Threading:    The loop's thread.
// Source:       RFC 9112 9; prototype.md, "Invariants the connection needed".

#pragma once

#include "sluice/http/delivery_rises.h"
#include "sluice/http/outbox.h"
#include "sluice/http/server_core.h"
#include "sluice/http/server_record.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/received.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/timers.h"
#include "sluice/runtime/transport.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::http {

class ServerExchange;

class ServerConnection final : private OutboxListener, private PeerEndListener, private Timer {
public:
    // What follows an exchange.
    enum class Next : std::uint8_t {
        request,  // Another one.
        linger,   // Nothing more; but what was answered must reach the client, so close gently.
        close,    // Nothing more, and the client has said so itself.
        reset,    // The client must see that something is missing, or is gone.
    };

    // Serves `transport` to its end.
    static Task<> serve(ServerCore& core, std::unique_ptr<Transport> transport);

    ServerConnection(ServerCore& core, Transport& transport, const Context& context) noexcept;
    ServerConnection(ServerConnection&&) = delete;
    ~ServerConnection();

    // Closes as soon as it is between requests.
    void drain() noexcept;

    // For the exchange being served:

    [[nodiscard]] ServerCore& core() noexcept { return core_; }
    [[nodiscard]] Loop& loop() noexcept { return core_.loop(); }
    [[nodiscard]] Outbox& outbox() noexcept { return outbox_; }
    [[nodiscard]] Transport& transport() noexcept { return transport_; }
    [[nodiscard]] StopSource& stop() noexcept { return scope_.stop(); }

    // Whether the client is not there any more to be answered.
    [[nodiscard]] bool is_gone() const noexcept;

    // A record for the request that begins with the input.
    [[nodiscard]] ServerRecord& begin_record();

    // The last request was handled and another one may follow. Says whether it is there already,
    // and may be served before what was answered has left.
    [[nodiscard]] bool ready_for_next();

    // Octets that arrived and were not used up; they stay until more_input() or let_go().
    [[nodiscard]] Received& input() noexcept { return input_; }

    // Replaces the input, which is used up, by the next. Fails with end_of_stream, reset, timed_out
    // when `limit` passes first, or cancelled.
    [[nodiscard]] Task<sluice::Result<void>> more_input(Duration limit);

    // Where the connection keeps its place among the server's.
    std::size_t index = 0;

private:
    void message_accepted(Outcome& outcome) noexcept override;
    void sending_failed(const sluice::Error& error) noexcept override;
    void peer_ended(PeerEnd end) noexcept override;
    void fired() noexcept override;

    // Takes what has arrived, if anything has. Never waits.
    [[nodiscard]] Next take_input();
    [[nodiscard]] Instant idle_until() const noexcept;
    void watch_idleness() noexcept;
    // Ends the wait for a request.
    [[nodiscard]] Next end_idle(Next next, Party party, Mechanism mechanism) noexcept;
    [[nodiscard]] Task<Next> make_room();
    [[nodiscard]] Task<> end(Next next);
    [[nodiscard]] bool is_left_behind() const noexcept;
    [[nodiscard]] Task<Next> linger();
    // What is known of the last response, now that no more will be.
    void sample_last(bool ended_before_us, bool fin_is_out) noexcept;
    // What the next input, or its absence, shows of the responses before it.
    void look_for_rises(const sluice::Result<Received>* received);
    void blame_unanswered() noexcept;
    void report_finished() noexcept;
    void keep_for_rises(const Outcome& outcome);
    void report_rest() noexcept;
    void report_no_exchange() noexcept;

    ServerCore& core_;
    Transport& transport_;
    Scope scope_;
    Outbox outbox_;
    Received input_;
    std::unique_ptr<ServerRecord> first_record_;
    ServerRecord* last_record_ = nullptr;
    ServerExchange* exchange_ = nullptr;    // Being served.
    std::unique_ptr<DeliveryRises> rises_;  // If the observer wants them.
    Instant idle_since_;
    Cause idle_end_;  // What ended the wait for a request.
    std::uint32_t exchanges_ = 0;
    bool timed_out_ = false;
    const bool is_secure_;
};

}  // namespace sluice::http
