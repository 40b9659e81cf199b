// Network: sockets, listeners and the handshake between them, as non-blocking calls.
//
// One network is the whole world: every address is a host, unless NetworkOptions::hosts says which
// are, and whoever listens on one can be reached there.
// A connection is ready to be accepted when the third packet of its handshake has arrived, and the
// client may have sent by then.
// A local port is free again once its connection is over: nothing is kept for TIME_WAIT.
//
// Ownership:    Descriptors are numbered by the caller, who closes each.
// Errors:       As Wire.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/sealing_keys.h"
#include "sluice/runtime/simulation/agenda.h"
#include "sluice/runtime/simulation/faults.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/simulation/random.h"
#include "sluice/runtime/simulation/sealed_sending.h"
#include "sluice/runtime/simulation/wire.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::simulation {

// What a connect meets.
enum class Reachability : std::uint8_t {
    reachable,    // Refused, if nobody listens.
    refused,      // Though somebody listens.
    unreachable,  // EHOSTUNREACH, after one round trip.
    silent,       // No answer, until Linux gives up after about two minutes.
};

class Network {
public:
    Network(const Options& options, Random& random, Faults& faults,
            DescriptorObserver& observer) noexcept
        : options_(options.network),
          random_(random),
          faults_(faults),
          observer_(observer),
          wire_(options, random, faults, observer),
          last_port_(options.network.port_min) {}
    Network(Network&&) = delete;

    [[nodiscard]] bool has(int fd) const noexcept { return sockets_.contains(fd); }

    void open(int fd, int family) { sockets_[fd] = Unconnected{.family = family}; }
    // 0, or a negated errno. One more than the backlog may wait, as on Linux.
    [[nodiscard]] std::int32_t listen(int fd, const Endpoint& at, const ListenOptions& options);
    void close(int fd, Ending ending) noexcept;
    void configure(int fd, const SocketOptions& options) noexcept;

    void connect(int fd, const Endpoint& given);
    [[nodiscard]] std::int32_t connected(int fd) const noexcept;  // -EINPROGRESS while it is not.

    [[nodiscard]] bool acceptable(int listener) const noexcept;
    // Takes the next connection, which becomes descriptor `fd`.
    void accept(int listener, int fd);
    // Takes it away with a reset, for an ECONNABORTED.
    void abort_next(int listener) noexcept;

    [[nodiscard]] std::int32_t receive(int fd, std::span<std::byte> into) noexcept;
    [[nodiscard]] std::int32_t send(int fd, std::span<const std::byte> from,
                                    std::uint8_t type = RecordType::application) noexcept;
    [[nodiscard]] std::uint32_t poll(int fd) const noexcept;
    [[nodiscard]] std::size_t unread(int fd) const noexcept;
    [[nodiscard]] bool refuses_to_send(int fd) const noexcept;
    void shut_down_sending(int fd) noexcept;
    [[nodiscard]] SocketState state(int fd) const noexcept;
    [[nodiscard]] int take_error(int fd) noexcept;
    // From now on what is sent there is sealed; yields whether it is. The sealer stays.
    [[nodiscard]] bool seal(int fd, const SealingKeys& keys, const Sealer& sealer);
    [[nodiscard]] std::optional<std::uint64_t> next_record(int fd) const noexcept;
    [[nodiscard]] bool holds_back(int fd) const noexcept;
    void give_to_tcp(int fd) noexcept;  // What it holds back, as far as there is room now.
    [[nodiscard]] Endpoint local_endpoint(int fd) const noexcept;
    [[nodiscard]] Endpoint peer_endpoint(int fd) const noexcept;

    void make(const Endpoint& to, Reachability reachability);
    void power_off(const Endpoint& host);
    [[nodiscard]] Wire& wire() noexcept { return wire_; }

    [[nodiscard]] Instant next_at() noexcept;
    void advance(Instant now) noexcept;

private:
    struct Unconnected {
        int family;
        int os_errno = 0;  // Of a connect that failed before anything was sent.
        SocketOptions options = {};
    };
    struct Listener {
        Endpoint at;
        int family;
        std::size_t backlog;
        bool shares_port;
        bool ipv6_only;
        SocketOptions options = {};
        std::size_t half_open = 0;
        std::deque<ConnectionId> queue = {};
    };
    struct Connected {
        EndId end;
        int family;
    };
    using Socket = std::variant<Unconnected, Listener, Connected>;

    enum class Step : std::uint8_t {
        synchronise,  // The client's SYN arrives.
        acknowledge,  // The server's SYN and ACK arrive.
        complete,     // The client's ACK arrives.
        fail,         // The client learns that it cannot.
    };
    struct Event {
        Step step;
        ConnectionId connection;
        int listener = -1;
        int os_errno = 0;
        Instant gives_up_at{};
    };

    [[nodiscard]] const EndId* end_of(int fd) const noexcept;
    [[nodiscard]] std::int32_t send_sealed(int fd, std::uint8_t type,
                                           std::span<const std::byte> from) noexcept;
    [[nodiscard]] static int closeness(const Endpoint& to, const Listener& listener) noexcept;
    [[nodiscard]] bool is_host(const Endpoint& at) const noexcept;
    [[nodiscard]] bool is_taken(const Listener& wanted) const noexcept;
    [[nodiscard]] Reachability reachability_of(const Endpoint& from, const Endpoint& to);
    [[nodiscard]] bool is_off(const Endpoint& host) const noexcept;
    [[nodiscard]] Route route_to(const Endpoint& to) const;
    [[nodiscard]] std::optional<int> listener_for(const Endpoint& to);
    [[nodiscard]] std::uint16_t next_port() noexcept;
    [[nodiscard]] std::uint16_t port_for(Listener wanted);
    [[nodiscard]] std::uint16_t port_between(const Endpoint& from, const Endpoint& to);
    [[nodiscard]] bool is_stale(const Event& event) const noexcept;
    void happen(const Event& event);
    void synchronise(const Event& event);
    void acknowledge(const Event& event);
    void complete(const Event& event);

    NetworkOptions options_;
    Random& random_;
    Faults& faults_;
    DescriptorObserver& observer_;
    Wire wire_;
    Instant now_{};
    std::uint16_t last_port_;
    bool ports_repeat_ = false;  // All have been given once.
    std::map<int, Socket> sockets_;
    std::map<int, SealedSending> sealed_;
    std::vector<std::pair<Endpoint, Reachability>> reachability_;
    std::vector<Endpoint> hosts_off_;
    Agenda<Event> agenda_;
};

}  // namespace sluice::simulation
