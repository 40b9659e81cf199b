// Backend: the one seam between Sluice and everything that is not deterministic.
//
// The kernel, the clocks, the network and the disk are behind these functions, and nothing above
// them can tell io_uring from the simulator. A Backend reports; it never resumes a coroutine.
// What can block or takes part in a race is an Operation. What the kernel answers at once, and the
// same way however often it is asked, is a plain call.
//
// Ownership:    A Loop borrows its Backend, which outlives it. Buffers: see Operation and Received.
// Errors:       What goes wrong with an operation arrives as its completion.
// Threading:    The loop's thread, except wake().

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/sealing_keys.h"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

// What TCP itself watches, beneath the time limits of whoever uses it; in whole milliseconds, and
// keep-alive's in seconds. The simulator's TCP takes no notice.
struct SocketOptions {
    // How long octets may stay unacknowledged before TCP gives up (TCP_USER_TIMEOUT). `never`: as
    // long as the system allows, which is minutes.
    Duration unacknowledged_max = never;
    // How long a connection is silent before the peer's TCP is asked whether it is there, how long
    // until it is asked again, and how often, before TCP gives up. `never`: not at all.
    Duration keep_alive_after = never;
    Duration keep_alive_interval = std::chrono::seconds(15);
    int keep_alive_probes = 4;
};

struct ListenOptions {
    int backlog = 4096;
    bool share_port = false;    // SO_REUSEPORT: one listener for each loop, the kernel spreads.
    bool ipv6_only = false;     // Else [::] takes IPv4 too, whose peers are ::ffff:a.b.c.d.
    SocketOptions socket = {};  // Of the connections.
    // Of a Unix socket's file: who may connect. None: all whom the process's umask lets.
    std::optional<mode_t> permissions = {};
    // Listens on a duplicate of this descriptor instead (ListeningSocket), wherever that does.
    int existing = -1;
};

// What TCP says of a connection at this moment.
struct SocketState {
    std::uint64_t acknowledged = 0;    // Grows by each octet. TCP counts its SYN and FIN too, or
                                       // not, so its differences tell, and not the number itself.
    std::uint64_t unacknowledged = 0;  // Octets accepted and not acknowledged (SIOCOUTQ), and one
                                       // for a FIN of ours. Of a Unix socket: what its reader has
                                       // not taken, or more, since the kernel counts its memory.
    bool finished_by_peer = false;     // CLOSE_WAIT: the peer's FIN was a FIN. Of a Unix socket:
                                       // the peer sends no more, or is gone.
    bool closed = false;               // CLOSE: before our own FIN, this was a reset.
};

// Of a connection that was dropped, where nothing tells what of it had arrived.
inline constexpr std::uint64_t unacknowledged_unknown = std::uint64_t{1} << 62;

enum class Ending : std::uint8_t {
    orderly,  // What was accepted still goes out, then a FIN; a reset if input is unread.
    reset,    // Drops what was not sent and tells the peer: RST.
};

class Backend {
public:
    // Starts `operation`, which is idle. Kernel work may be deferred to wait().
    virtual void submit(Operation& operation) noexcept = 0;

    // Asks a submitted operation to complete soon. A no-op on an idle one.
    virtual void cancel(Operation& operation) noexcept = 0;

    // Submits, then reports what has completed. Returns at once if something had completed or
    // `until` has passed; else waits for a completion, for `until`, or for wake().
    virtual void wait(Instant until) noexcept = 0;

    // Makes the current or next wait() return early. From any thread.
    virtual void wake() noexcept = 0;

    // The time as of the last return from wait(): it stands still while coroutines run.
    [[nodiscard]] virtual Instant now() const noexcept = 0;

    // Seconds since 1970, for Date fields and logs. Never used to measure.
    [[nodiscard]] virtual std::int64_t unix_seconds() const noexcept = 0;

    // Descriptors. A descriptor is closed once, with no operation on it in flight.
    [[nodiscard]] virtual Result<int> open_socket(int family) noexcept = 0;
    [[nodiscard]] virtual Result<int> listen(const Endpoint& at,
                                             const ListenOptions& options) noexcept = 0;
    virtual void configure(int fd, const SocketOptions& options) noexcept = 0;
    [[nodiscard]] virtual Endpoint local_endpoint(int fd) noexcept = 0;
    [[nodiscard]] virtual Endpoint peer_endpoint(int fd) noexcept = 0;
    virtual void shut_down_sending(int fd) noexcept = 0;  // FIN, after what was accepted.
    [[nodiscard]] virtual SocketState socket_state(int fd) noexcept = 0;
    // Its `closed` alone, for one system call less.
    [[nodiscard]] virtual bool is_closed(int fd) noexcept { return socket_state(fd).closed; }
    // Why the connection is gone (SO_ERROR), and 0 if it is not, or if that was told before: a
    // kernel tells it once, to whichever call comes first.
    [[nodiscard]] virtual int take_error(int fd) noexcept = 0;
    // Has the kernel seal what is sent from now on. Yields whether it does; nothing has changed if
    // not. And the number of the record that is to be sealed next; none: it cannot be said.
    [[nodiscard]] virtual bool seal(int, const SealingKeys&) noexcept { return false; }
    [[nodiscard]] virtual std::optional<std::uint64_t> next_record(int) noexcept {
        return std::nullopt;
    }
    virtual void close(int fd, Ending ending = Ending::orderly) noexcept = 0;
    // The same of a file, whose last close may write to a device, or free much of one: so not on
    // this thread, unless whoever closes it knows better.
    enum class Closing : std::uint8_t { at_once, aside };
    virtual void close_file(int fd, Closing) noexcept { close(fd); }

    // For an event loop of somebody else's. Readable when wait() would report something; -1: it
    // cannot be said. And whether wait() has something to begin or to report already, of which the
    // descriptor does not know.
    [[nodiscard]] virtual int descriptor() noexcept { return -1; }
    [[nodiscard]] virtual bool has_work() const noexcept { return false; }

    // "io_uring", "epoll", "simulated".
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

protected:
    ~Backend() = default;
};

}  // namespace sluice
