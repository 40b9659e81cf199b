// Cause: what ended an exchange before its time: who, by what means, and during what.
//
// Three small answers instead of one long list, since a reader asks them one at a time: whose fault
// was it, what happened, and how far along were we.

#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class Party : std::uint8_t {
    none,
    peer,            // The other end of this connection.
    application,     // The handler, the body's producer or consumer, or whoever called us.
    local_resource,  // This process or host: memory, descriptors, limits, an operator's drain.
    network,         // What lies between: no route, no name, silence that TCP gave up on.
};

enum class Mechanism : std::uint8_t {
    none,
    fin,           // An orderly end of the peer's octets, where more were due.
    reset,         // RST, or a send that found the connection gone.
    timeout,       // One of our own timers; Cause::timeout says which.
    protocol,      // A message that breaks HTTP. Of the application: content unlike its length.
    refused,       // Nobody listens there.
    unreachable,   // No route, no such name, or TCP gave up.
    tls,           // A failed handshake or record, or an end without close_notify.
    cancelled,     // A stop request, or abort().
    deadline,      // The caller's own limit for the whole exchange.
    source_error,  // The producer of the outgoing content failed, or left it unfinished.
    sink_error,    // The consumer of the incoming content failed.
    drain,         // The client or server is shutting down.
    limit,         // One of our limits. Of the peer: it sent more than we take.
    internal,      // An exception of the handler, or a failure of our own.
};

// What the exchange was doing. `first_byte`, `head` and `body` are about the incoming message,
// `send_head` and `send_body` about the outgoing one.
enum class ExchangePhase : std::uint8_t {
    none,
    resolve,
    connect,
    tls,
    pool_wait,
    send_head,
    send_body,
    continue_wait,
    first_byte,  // Before the incoming message's first octet.
    head,
    body,     // A server's: the handler wanted request content.
    handler,  // A server's handler ran, and none of its response was handed to the kernel.
    idle,     // Between exchanges.
    linger,   // After the outgoing message: the rest of the incoming one, or the peer's end.
};

// Which timer, where the mechanism is Mechanism::timeout.
enum class TimeoutKind : std::uint8_t {
    none,
    resolve,
    connect,
    tls,
    pool_wait,
    continue_wait,
    head,
    first_byte,
    between_bytes,
    minimum_rate,
    stall,
    idle,
    linger,
    drain,
    handler,
    total,
};

// Which failure of TLS, where the mechanism is Mechanism::tls and it is known.
enum class TlsEvent : std::uint8_t {
    none,
    cut_short,       // TCP's FIN without a close_notify.
    malformed,       // What came is not TLS.
    alert_received,  // The peer's TLS gave up: Cause::tls_detail is the Alert.
    alert_sent,      // Ours did: likewise.
    untrusted,       // The peer's certificate does not hold: Cause::tls_detail is the Flaw.
};

struct Cause {
    Party party = Party::none;
    Mechanism mechanism = Mechanism::none;
    ExchangePhase phase = ExchangePhase::none;
    TimeoutKind timeout = TimeoutKind::none;
    std::int16_t os_errno = 0;  // The errno, or 0 where the kernel named none.
    TlsEvent tls = TlsEvent::none;
    std::uint8_t tls_detail = 0;  // An Alert or a Flaw (runtime/security.h).

    // Whether there is one at all.
    [[nodiscard]] constexpr explicit operator bool() const noexcept {
        return mechanism != Mechanism::none;
    }

    friend constexpr bool operator==(const Cause&, const Cause&) noexcept = default;
};

// The enumerators' own spelling.
[[nodiscard]] std::string_view name(Party party) noexcept;
[[nodiscard]] std::string_view name(Mechanism mechanism) noexcept;
[[nodiscard]] std::string_view name(ExchangePhase phase) noexcept;
[[nodiscard]] std::string_view name(TimeoutKind kind) noexcept;
[[nodiscard]] std::string_view name(TlsEvent event) noexcept;

// "unknown_ca", "expired": the name of the Alert or the Flaw; empty where there is none.
[[nodiscard]] std::string_view tls_detail_of(const Cause& cause) noexcept;

}  // namespace sluice::http
