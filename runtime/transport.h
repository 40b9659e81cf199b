// Transport: a two-way stream of octets: TCP, or TLS over it, or what a simulator makes of both.
//
// The one interface that HTTP stands on. tls:: decorates one with another, so plain HTTP links no
// TLS, and nothing above can tell which it has.
//
// Ownership:    Close it, and await that, before it is destroyed: the kernel may still write for
//               it.
// Cancellation: A stop ends a receive or a send that waits, with `cancelled` and the octets that
//               the kernel had taken by then. Both directions remain usable.
// Errors:       After an error of one direction, that direction yields errors only; the other may
//               still yield what arrived before: always read after a failed send.
// Threading:    The loop's thread. One receive and one send may overlap; two of a kind may not.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/backend.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/kernel_sealing.h"
#include "sluice/runtime/received.h"
#include "sluice/runtime/sealing_keys.h"
#include "sluice/runtime/security.h"
#include "sluice/runtime/task.h"

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace sluice {

// How the peer ended its direction, on the evidence so far.
enum class PeerEnd : std::uint8_t {
    none,   // It has not.
    fin,    // An orderly end: no more octets will come. It may still read.
    cut,    // TCP's FIN, without the end that TLS demands: perhaps not the peer's doing.
    reset,  // The connection is gone, by the peer's doing.
    lost,   // It is gone because TCP, or the network, gave it up: the peer may not know.
};

[[nodiscard]] constexpr bool is_gone(PeerEnd end) noexcept {
    return end == PeerEnd::reset || end == PeerEnd::lost;
}

// Told when the peer's end is noticed, though nobody may be receiving at that moment: once, or of
// a connection that is gone after a FIN.
class PeerEndListener {
public:
    // Bookkeeping only, as Operation::complete().
    virtual void peer_ended(PeerEnd end) noexcept = 0;

protected:
    ~PeerEndListener() = default;
};

// What TLS made of the octets that passed: accepted by this host's kernel, and received from it.
// Of records that the kernel itself seals, what was sent is told by their least number.
struct WireOctets {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    // What they were before, or became: whole records.
    std::uint64_t plaintext_sent = 0;
    std::uint64_t plaintext_received = 0;
};

class Transport {
public:
    Transport() noexcept = default;
    Transport(Transport&&) = delete;
    virtual ~Transport() = default;

    // The next octets, if they are there. An empty Received is the peer's FIN, and stays it. A
    // reset is an error, also where the kernel shows it as an end of stream; octets that came
    // before it are yielded before it. None: nothing yet, and input_changed() will be set when
    // asking again is worth while.
    [[nodiscard]] virtual std::optional<Result<Received>> try_receive() noexcept = 0;

    // Waits for what try_receive() yields.
    [[nodiscard]] Task<Result<Received>> receive();

    // Set when there may be something to receive, or the transport's state changed. For those who
    // wait for more than input: reset it, ask try_receive(), then wait. One waiter at a time.
    [[nodiscard]] Event& input_changed() noexcept { return input_changed_; }

    // Sends all octets of `parts`, which stay until it completes; it changes the array. Yields how
    // many the kernel accepted: all. An Error's octets_done says how many, if fewer.
    virtual Task<Result<std::uint64_t>> send(std::span<iovec> parts) = 0;

    // Sends our FIN (TLS: close_notify too) after what was sent.
    virtual Task<Result<void>> shut_down_sending() = 0;

    // Waits until every octet accepted so far is acknowledged: by the peer's TCP, whether it is
    // read there or not; of a Unix socket, by its reader, who has taken it.
    virtual Task<Result<void>> acknowledged() = 0;

    // Ends and reaps what is in flight, then closes. Idempotent. Not cut short by a stop.
    virtual Task<> close(Ending ending) = 0;

    [[nodiscard]] virtual PeerEnd peer_end() const noexcept = 0;
    virtual void listen_for_peer_end(PeerEndListener* listener) noexcept = 0;

    // What the kernel says of the connection now: a system call, so not for every exchange.
    [[nodiscard]] virtual SocketState state() noexcept = 0;

    [[nodiscard]] virtual const Endpoint& local() const noexcept = 0;
    [[nodiscard]] virtual const Endpoint& peer() const noexcept = 0;

    // Has the kernel make TLS records of what is sent from now on, and seal them by these keys.
    // Nothing may be under way. Null: it cannot, and nothing has changed.
    [[nodiscard]] virtual KernelSealing* seal_in_kernel(const SealingKeys&) { return nullptr; }

    // What TLS knows of the connection; null where there is none.
    [[nodiscard]] virtual const SecurityFacts* security() const noexcept { return nullptr; }

    // Octets of the connection's own, where they are not those that are sent and received here.
    [[nodiscard]] virtual std::optional<WireOctets> wire_octets() const noexcept {
        return std::nullopt;
    }

private:
    Event input_changed_;
};

// When the steps of a connect ended: `never` for one that was not reached, or not needed.
struct ConnectTimes {
    Instant resolved = never;  // A name; a numeric address needs no resolving.
    Instant secured = never;   // The handshake of TLS.
};

// Makes connections to a host.
class Connector {
public:
    virtual ~Connector() = default;

    // `host` is a name or a numeric address, without brackets. The error's phase says how far it
    // got: resolve, connect, secure. A stop abandons the attempt and leaves nothing open. `times`
    // stays until it completes, and tells of a failed attempt too.
    virtual Task<Result<std::unique_ptr<Transport>>> connect(std::string_view host,
                                                             std::uint16_t port,
                                                             ConnectTimes& times) = 0;
};

// Takes connections in.
class Acceptor {
public:
    virtual ~Acceptor() = default;

    // Yields the next connection. Running out of descriptors is waited out, not an error. A task
    // that was asked to stop gets what has come already, one a call, and then `cancelled`.
    virtual Task<Result<std::unique_ptr<Transport>>> accept() = 0;

    // Stops listening, and drops connections that were never accepted. Await it before destruction.
    virtual Task<> close() = 0;

    // With the port that the kernel chose for port 0.
    [[nodiscard]] virtual const Endpoint& local() const noexcept = 0;
};

}  // namespace sluice
