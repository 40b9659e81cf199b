// Wire: TCP connections as two kernels and the path between them see them.
//
// Octets pass three stages that real programs confuse: accepted by the sender's kernel,
// acknowledged by the receiver's, read by the receiver. Back-pressure is real: the send buffer is
// freed by acknowledgements, and the window is opened by reads. An end can outlive its descriptor,
// as Linux's orphans do.
//
// In silence an end gives up with ETIMEDOUT, as Linux does. What is unacknowledged it waits for
// 924.6 s, which is tcp_retries2 = 15 at the least RTO, or for TCP_USER_TIMEOUT and the 430 ms to
// the first retransmission, from which Linux counts. Otherwise keep-alive ends it, where asked for.
// Not modelled: an ICMP that makes it EHOSTUNREACH, and a window that stays shut for longer than
// TCP_USER_TIMEOUT though the peer lives.
//
// Ownership:    Ends are named, not pointed to. A connection is forgotten once both its ends are.
// Errors:       Calls answer as Linux's non-blocking ones: a count, 0 at a FIN, or a negated errno.
//               A reset leaves one pending error, and whichever call comes first takes it: the
//               others see an end of stream (receive) or EPIPE (send).
// Source:       Linux 6.18 net/ipv4/tcp.c, tcp_input.c; RFC 9293. Pinned by backend_contract_test.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/simulation/agenda.h"
#include "sluice/runtime/simulation/directions.h"
#include "sluice/runtime/simulation/faults.h"
#include "sluice/runtime/simulation/octet_queue.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/simulation/random.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>

namespace sluice::simulation {

using ConnectionId = std::uint64_t;

struct EndId {
    ConnectionId connection;
    Side side;
};

// What is `never` in the options given last stays as it was.
void add_options(SocketOptions& into, const SocketOptions& given) noexcept;

// Is told when a call on a descriptor may answer otherwise than it did before.
class DescriptorObserver {
public:
    virtual void changed(int fd) noexcept = 0;

protected:
    ~DescriptorObserver() = default;
};

class Wire {
public:
    Wire(const Options& options, Random& random, Faults& faults,
         DescriptorObserver& observer) noexcept
        : options_(options.network), random_(random), faults_(faults), observer_(observer) {}
    Wire(Wire&&) = delete;

    // A new connection, of which neither end is established.
    [[nodiscard]] ConnectionId begin(const Endpoint& client, const Endpoint& server,
                                     const Path& to_server, const Path& to_client);

    // Both hold their SYN and the other's. The first is the server's reply passing, the second the
    // client's: what follows does not overtake it.
    void establish(EndId end, Instant reply_arrives);

    // What is `never` in the options stays as it is.
    void configure(EndId id, const SocketOptions& options) noexcept;

    // Gives the end a descriptor; what happens to it is then told to the observer.
    void attach(EndId id, int fd) { end(id).fd = fd; }

    // An end that never came to be.
    void abandon(EndId id, int os_errno) noexcept;

    [[nodiscard]] std::int32_t receive(EndId id, std::span<std::byte> into) noexcept;
    [[nodiscard]] std::int32_t send(EndId id, std::span<const std::byte> from) noexcept;
    [[nodiscard]] std::uint32_t poll(EndId id) const noexcept;
    [[nodiscard]] std::size_t unread(EndId id) const noexcept;
    [[nodiscard]] bool refuses_to_send(EndId id) const noexcept;    // send() would fail for good.
    [[nodiscard]] std::int32_t connected(EndId id) const noexcept;  // 0, -EINPROGRESS, or why not.
    void shut_down_sending(EndId id) noexcept;
    void close(EndId id, Ending ending) noexcept;

    [[nodiscard]] bool known(ConnectionId id) const noexcept { return connections_.contains(id); }
    // Whether a connection from there to there has its client's end still.
    [[nodiscard]] bool is_used(const Endpoint& client, const Endpoint& server) const noexcept;
    [[nodiscard]] bool holds(EndId id) const noexcept {
        return known(id.connection) && end(id).fd >= 0;
    }
    [[nodiscard]] SocketState state(EndId id) const noexcept;
    [[nodiscard]] int take_error(EndId id) noexcept { return std::exchange(end(id).error, 0); }
    [[nodiscard]] const Endpoint& endpoint(EndId id) const noexcept { return end(id).at; }

    // A cut from now on, whatever has passed.
    void cut(ConnectionId connection, Direction direction, CutKind kind) noexcept;

    // When something happens next, `never` if nothing will.
    [[nodiscard]] Instant next_at() noexcept;
    // Lets it happen.
    void advance(Instant now) noexcept;

    // Of one packet.
    [[nodiscard]] Duration latency(ConnectionId connection, Direction direction) noexcept;

    // Nothing reaches this host any more, and nothing comes from it.
    void power_off(const Endpoint& host) noexcept;

private:
    // One end, as its kernel sees it.
    struct End {
        Endpoint at;
        int fd = -1;      // None: not accepted yet, or an orphan.
        int error = 0;    // Pending; the next call takes it.
        int refusal = 0;  // Why it could not be established.
        bool established = false;
        bool orphan = false;  // Its descriptor was closed.
        bool dead = false;    // Reset, timed out, or closed with unread input.
        bool sending_shut = false;
        bool fin_received = false;
        SocketOptions limits = {};
        Instant heard_at{};
    };

    // One direction. Counters are positions in its stream of octets: read <= arrived <=
    // transmitted <= accepted, and acknowledged <= arrived.
    struct Pipe {
        OctetQueue octets;  // From `read` to `accepted`.
        std::uint64_t accepted = 0;
        std::uint64_t transmitted = 0;
        std::uint64_t arrived = 0;
        std::uint64_t read = 0;
        std::uint64_t acknowledged = 0;
        std::uint64_t window_end = 0;  // How far the sender may transmit, as it knows.
        bool fin_transmitted = false;
        bool fin_acknowledged = false;
        bool silent = false;
        bool severed = false;      // Nothing more is transmitted.
        Instant waits_since{};     // For the acknowledgement that comes next.
        Instant looks_at = never;  // An agenda entry waits to end the sender, if it still waits.
        Instant last_arrival{};
        Instant free_at{};  // When the line has sent what it was given.
        std::optional<Cut> cut;
        Path path;
    };

    struct Connection {
        std::array<End, 2> ends;
        std::array<Pipe, 2> pipes;
    };

    enum class What : std::uint8_t { packet, fin, reset, cut, give_up, forget_orphan };

    struct Event {
        What what;
        ConnectionId connection;
        Direction direction;             // Of the packet; otherwise that whose sender is meant.
        std::uint64_t end = 0;           // Packet: the position after its last octet.
        std::uint64_t acknowledged = 0;  // Packet, of the other direction, and the three below.
        std::uint64_t window_end = 0;
        bool fin_acknowledged = false;
        CutKind cut = CutKind::reset;
    };

    [[nodiscard]] End& end(EndId id) noexcept;
    [[nodiscard]] const End& end(EndId id) const noexcept;

    void transmit(ConnectionId id, Direction direction) noexcept;
    void begin_to_shut(End& sender, Pipe& pipe) noexcept;
    void begin_cut(ConnectionId id, Direction direction) noexcept;
    void put_packet(ConnectionId id, Direction direction, What what,
                    std::uint64_t octets = 0) noexcept;
    void fall_silent(ConnectionId id, Direction direction) noexcept;
    [[nodiscard]] static bool is_acknowledged(const End& sender, const Pipe& pipe) noexcept;
    [[nodiscard]] Instant gives_up_at(ConnectionId id, Direction direction) const noexcept;
    void expect_to_give_up(ConnectionId id, Direction direction) noexcept;
    void give_up_if_due(const Event& event) noexcept;

    [[nodiscard]] bool is_stale(const Event& event) const noexcept;
    void happen(const Event& event) noexcept;
    void packet_arrives(const Event& packet) noexcept;
    void reset_arrives(End& receiver, Pipe& sends) noexcept;
    void cut_happens(const Event& event) noexcept;
    void die(End& dying, Pipe& sends, int os_errno) noexcept;
    void forget_if_over(ConnectionId id) noexcept;
    void tell(const End& changed) noexcept;

    NetworkOptions options_;
    Random& random_;
    Faults& faults_;
    DescriptorObserver& observer_;
    Instant now_{};
    ConnectionId begun_ = 0;
    std::map<ConnectionId, Connection> connections_;
    Agenda<Event> agenda_;
};

}  // namespace sluice::simulation
