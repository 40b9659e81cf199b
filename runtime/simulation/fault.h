// Fault: one thing that went wrong in a simulated world, and where, so that it can again.
//
// What is drawn from the seed is told afterwards as a list of these. Given back as Options::script,
// to a world with the same seed and the same programs, it makes the same run; with some of them
// left out, the same run but for those. That is how a failing world is made small.

#pragma once

#include "sluice/runtime/clock.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::simulation {

// Of a connection, whose client is the side that connected.
enum class Direction : std::uint8_t { to_server, to_client };

enum class FaultKind : std::uint8_t {
    // Of a direction of a connection, after some octets.
    reset,    // Both ends get a RST, as from a middlebox that lost its state.
    fin,      // The receiver gets a FIN that the sender did not send; the sender gets a RST.
    silence,  // Nothing passes in this direction any more, and nobody is told: no octet, no
              // acknowledgement, no FIN, no RST.

    // Of a Connect.
    no_port,      // EADDRNOTAVAIL, at once: none is left.
    refused,      // Though somebody listens.
    unreachable,  // EHOSTUNREACH, after one round trip.
    unanswered,   // Nothing comes back, until Linux gives up after about two minutes.

    // Of sockets and operations.
    no_socket,       // open_socket() fails with EMFILE.
    accept_error,    // One of accept_errors; the connection waits for the next Accept.
    accept_aborted,  // ECONNABORTED: the connection was reset before it was taken.
    send_error,      // A Send fails with ENOBUFS, of which nothing was sent; its connection lives.
    short_send,      // A Send ends early, with what it had sent.
    short_receive,   // A Receive takes less than there is.
    multishot_end,   // An Accept or Receive ends with a completion that is valid.
    no_buffer,       // A Receive waits for a buffer, for a while, though there are some.

    // Of the disk.
    stall,  // An operation takes a hundred times as long.
    short_read,
    short_write,
    open_error,   // EMFILE
    read_error,   // EIO
    write_error,  // EIO
    sync_error,   // EIO; and no later sync keeps what this one did not.
    sync_lie,     // A sync says that it went well, and kept nothing.
    name_error,   // EIO, of a link, a rename, a removal.
};

inline constexpr std::size_t fault_kinds = static_cast<std::size_t>(FaultKind::name_error) + 1;

inline constexpr std::array<int, 3> accept_errors = {EMFILE, ENFILE, ENOMEM};

struct Fault {
    FaultKind kind;

    // Of the first three kinds the connection, from 0, in the order in which they were begun. Of
    // the others, which of all opportunities for a fault of this kind it was, from 0.
    std::uint64_t number = 0;
    Direction direction = Direction::to_server;  // Of the first three kinds.

    // The octets: after which the connection is cut, or how many a short operation got. Of an
    // accept_error its place in accept_errors.
    std::uint64_t value = 0;

    // When it happened. A script does without it.
    Instant at{};

    friend bool operator==(const Fault&, const Fault&) = default;
};

// "reset of connection 3 after 120 octets to the server, at 0.000300100 s"
[[nodiscard]] std::string describe(const Fault& fault);

// A line for each.
[[nodiscard]] std::string describe(const std::vector<Fault>& script);

}  // namespace sluice::simulation
