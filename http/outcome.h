// Outcome: the record of what became of one exchange, as seen from one end of it.
//
// Facts only. What they amount to is derived, never stored, so a record cannot contradict itself:
// verdict_of() (verdict.h), retry_class_of() (retry.h), delivery_of() below. "Accepted" always
// means by this host's kernel; nothing is ever called received by the peer: nothing proves that.
//
// Ownership:  Plain data that owns nothing: copied for nothing, and valid after its connection.
// Completion: Exactly one for each exchange and side. What is learnt later (acknowledged,
//             confirmed) goes to the server's observer as the same record again, with more in it.
// Units:      Octets, and Instants of the loop's clock; `never` where a point was not reached.

#pragma once

#include "sluice/http/cause.h"
#include "sluice/http/framing.h"
#include "sluice/http/status.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/security.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace sluice::http {

enum class Side : std::uint8_t { client, server };

// How far the outgoing message got. Each includes those before it.
enum class SendPhase : std::uint8_t {
    unassigned,    // No connection was assigned to the exchange.
    assigned,      // One was, and its kernel accepted nothing yet.
    head_partial,  // Some octets of the head are accepted.
    head_sent,
    body_partial,
    all_accepted,  // The whole message, up to the end of its framing.
};

// How far the incoming message got. Each includes those before it.
enum class ReceivePhase : std::uint8_t {
    none,          // Not one octet.
    interim,       // One or more whole 1xx responses, and nothing of the final one.
    head_partial,  // Some octets of the (final) head.
    head_complete,
    body_partial,
    complete,  // The end that its framing promises was seen. A message without content: its head's.
};

// What says where the incoming content ends.
using BodyFraming = Framing::Kind;

// How the peer's octets ended, as far as we looked. A server that only saw a half-close (fin) goes
// on; a client that says "unanswered" has looked: the value is then not `open`.
enum class StreamEnd : std::uint8_t {
    open,
    fin,
    cut,  // TLS failed, or TCP's FIN came without TLS's own: nobody vouches for this end.
    reset,
};

// What showed that the peer's application, not only its kernel, had our message. A heuristic.
enum class Confirmation : std::uint8_t {
    none,
    next_request,   // Its first octet came after our last was acknowledged, and was not pipelined.
    orderly_close,  // After our FIN the peer sent its own, and no reset.
};

// The highest level that holds for every octet of the outgoing message.
enum class DeliveryLevel : std::uint8_t { none, kernel, acknowledged, confirmed };

struct SendFacts {
    SendPhase phase = SendPhase::unassigned;
    Confirmation confirmation = Confirmation::none;
    bool stopped = false;              // We gave up sending, since the answer made it pointless.
    std::uint32_t tls_added = 0;       // Octets that TLS added on this connection, up to now; where
                                       // the kernel seals, at least.
    std::uint64_t head = 0;            // Accepted octets of heads, interim ones included.
    std::uint64_t body_offered = 0;    // Content octets that the application gave to the sink.
    std::uint64_t body_accepted = 0;   // Content octets that the kernel accepted.
    std::uint64_t framing_octets = 0;  // Accepted octets of chunk framing and trailers.
    std::optional<std::uint64_t> declared;  // Content-Length, if the message had one.
    // Octets of it that the peer's TCP had acknowledged, when it was last asked: for a client, when
    // its connection ended without the whole answer.
    std::optional<std::uint64_t> acknowledged;
    Instant acknowledged_at = never;

    [[nodiscard]] constexpr std::uint64_t wire_accepted() const noexcept {
        return head + body_accepted + framing_octets;
    }
};

struct ReceiveFacts {
    ReceivePhase phase = ReceivePhase::none;
    BodyFraming framing = BodyFraming::none;
    StreamEnd end = StreamEnd::open;
    bool resumable = false;            // A strong validator and ranges, or a known upload offset.
    std::uint32_t tls_added = 0;       // As in SendFacts. Both stay at their largest value.
    std::uint64_t head = 0;            // Octets of heads, interim ones included.
    std::uint64_t body = 0;            // Content octets, the discarded ones included.
    std::uint64_t framing_octets = 0;  // Octets of chunk framing and trailers.
    std::uint64_t discarded = 0;       // Content octets that nobody wanted, and we drained.
    std::optional<std::uint64_t> declared;

    [[nodiscard]] constexpr std::uint64_t wire() const noexcept {
        return head + body + framing_octets;
    }
};

struct ConnectionFacts {
    std::uint32_t exchange = 1;     // This exchange is the connection's n-th, from 1.
    bool reusable = false;          // Afterwards.
    bool resumed = false;           // Its TLS session is one of an earlier connection.
    std::optional<TlsVersion> tls;  // None: there is none.
    Endpoint peer;
    Endpoint local;
    Duration idle{0};  // How long the connection had been idle before.

    [[nodiscard]] constexpr bool reused() const noexcept { return exchange > 1; }
};

// On a server `queued` is when the exchange's first octet came, or when its connection did.
struct Times {
    Instant queued = never;
    Instant resolved = never;
    Instant connected = never;
    Instant secured = never;
    Instant first_byte_out = never;
    Instant last_byte_out = never;
    Instant first_byte_in = never;
    Instant last_byte_in = never;
    Instant ended = never;
};

struct Outcome {
    static constexpr std::size_t notes_max = 3;

    Side side = Side::client;
    bool expect_sent = false;        // The request carried Expect: 100-continue.
    bool continue_received = false;  // A 100 came.
    bool upgraded = false;           // 101 or 2xx to CONNECT: the stream was handed over.
    std::uint8_t attempt = 1;        // Of the same request, from 1.
    std::uint8_t note_count = 0;
    // Of a server's exchange: the same as Request::exchange_id(), and no other's in this process.
    // 0 on a client.
    std::uint64_t exchange_id = 0;
    Status status{};  // As sent or received; 0 for none. No verdict replaces it.
    Cause cause;      // The first terminal event. Only blame() writes it.
    std::array<Cause, notes_max> notes{};  // Those after it, in order; only the first few.
    SendFacts send;
    ReceiveFacts receive;
    ConnectionFacts connection;
    Times times;

    // Records a terminal event: the first stays the cause, later ones become notes.
    void blame(const Cause& event) noexcept;

    // Records a sample of how many octets of this exchange the peer's TCP has acknowledged.
    // Samples never go back, and never beyond what was accepted.
    void acknowledge(std::uint64_t octets, Instant sampled_at) noexcept;
};

static_assert(std::is_trivially_copyable_v<Outcome>);
static_assert(sizeof(Outcome) <= 336, "made once for every request: keep it small");

// Accepted and acknowledged as far as the record shows, for the message as a whole: a message that
// is partly accepted is at `none`, and its counters tell the rest.
[[nodiscard]] DeliveryLevel delivery_of(const Outcome& outcome) noexcept;

// The enumerators' own spelling.
[[nodiscard]] std::string_view name(Side side) noexcept;
[[nodiscard]] std::string_view name(SendPhase phase) noexcept;
[[nodiscard]] std::string_view name(ReceivePhase phase) noexcept;
[[nodiscard]] std::string_view name(BodyFraming framing) noexcept;
[[nodiscard]] std::string_view name(DeliveryLevel level) noexcept;

}  // namespace sluice::http
