// Options: what a simulated world is like, and what goes wrong in it.
//
// The default is a network that delivers everything and a disk that keeps it, where only the order
// of completions is up to the seed. faulty() draws every probability from the seed as well.

#pragma once

#include "sluice/runtime/clock.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace sluice::simulation {

// Of a connection, whose client is the side that connected.
enum class Direction : std::uint8_t { to_server, to_client };

enum class CutKind : std::uint8_t {
    reset,    // Both ends get a RST, as from a middlebox that lost its state.
    fin,      // The receiver gets a FIN that the sender did not send; the sender gets a RST.
    silence,  // Nothing passes in this direction any more, and nobody is told: no octet, no
              // acknowledgement, no FIN, no RST.
};

// Something that happens to a connection once exactly `after_octets` have passed in a direction.
struct Cut {
    std::size_t connection = 0;  // From 0, in the order in which they were begun.
    Direction direction = Direction::to_server;
    std::uint64_t after_octets = 0;
    CutKind kind = CutKind::reset;
};

struct NetworkOptions {
    // One way. Packets of one direction do not overtake each other.
    Duration latency_min{100'000};
    Duration latency_max{100'000};
    std::uint64_t octets_per_second = 0;  // Of one direction of one connection; 0: no limit.
    std::size_t segment_octets_max = 65'483;
    std::size_t send_buffer_octets = 256 * 1024;
    std::size_t receive_buffer_octets = 128 * 1024;

    int cut_segment_percent = 0;  // A segment ends at any octet.
    int refused_percent = 0;      // A connection is refused though somebody listens.
};

struct DiskOptions {
    Duration latency_min{10'000};
    Duration latency_max{10'000};
    std::uint64_t capacity_octets = std::numeric_limits<std::uint64_t>::max();

    int stall_percent = 0;  // An operation takes a hundred times as long.
    int short_read_percent = 0;
    int short_write_percent = 0;
    int open_error_percent = 0;   // EMFILE
    int read_error_percent = 0;   // EIO
    int write_error_percent = 0;  // EIO
    int sync_error_percent = 0;   // EIO; and no later sync keeps what this one did not.
    int name_error_percent = 0;   // EIO, of a link, a rename, a removal.
    int sync_lies_percent = 0;    // A sync says that it went well, and kept nothing.
};

struct Options {
    std::uint64_t seed = 0;
    NetworkOptions network = {};
    DiskOptions disk = {};
    std::vector<Cut> cuts = {};

    // The pool that Receive takes from.
    std::size_t buffers = 64;
    std::size_t buffer_octets = 16 * 1024;
    std::size_t descriptors_max = 65'536;  // More than these are EMFILE.

    int short_send_percent = 0;     // A Send ends early, with what it had sent.
    int short_receive_percent = 0;  // A Receive takes less than there is.
    int multishot_end_percent = 0;  // An Accept or Receive ends with a completion that is valid.
    int no_buffers_percent =
        0;  // A Receive waits for a buffer, for a while, though there are some.
    int no_descriptors_percent = 0;  // An Accept ends with -EMFILE though there are descriptors.
    int cancel_loses_percent = 50;  // A cancel comes too late for an operation that could complete.

    // Threads outside the simulation may wake() the loop: a wait that could never end then waits
    // for them, instead of being a violation. Such a run does not replay.
    bool other_threads = false;

    // Gets a line for each submission, cancel and completion. Outlives the backend.
    std::string* trace = nullptr;
};

// A world in which much goes wrong, though nothing that an endpoint could not survive: no cuts.
[[nodiscard]] Options faulty(std::uint64_t seed);

}  // namespace sluice::simulation
