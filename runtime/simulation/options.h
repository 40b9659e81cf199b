// Options: what a simulated world is like, and what goes wrong in it.
//
// The default is a network that delivers everything and a disk that keeps it, where only the order
// of completions is up to the seed. What `x_percent` is of, FaultKind says of `x`. faulty() and
// hostile() draw every probability from the seed as well.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/sealing_keys.h"
#include "sluice/runtime/simulation/fault.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::simulation {

enum class CutKind : std::uint8_t { reset, fin, silence };  // As of FaultKind.

// Something that happens to a connection once exactly `after_octets` have passed in a direction.
struct Cut {
    std::size_t connection = 0;  // From 0, in the order in which they were begun.
    Direction direction = Direction::to_server;
    std::uint64_t after_octets = 0;
    CutKind kind = CutKind::reset;
};

// One direction of a connection. Its packets do not overtake each other.
struct Path {
    Duration latency_min{100'000};
    Duration latency_max{100'000};
    std::uint64_t octets_per_second = 0;  // 0: no limit.
};

// Between two hosts, each of which is an address, whatever the port. Who connects to `to` is taken
// to be at `from`: so a proxy is one host for its clients and another's client on its own address.
struct Route {
    Endpoint to;
    Endpoint from;
    Path to_server = {};
    Path to_client = {};
};

struct NetworkOptions {
    // Where no route says otherwise, as of Path, in both directions.
    Duration latency_min{100'000};
    Duration latency_max{100'000};
    std::uint64_t octets_per_second = 0;

    std::vector<Route> routes = {};
    std::vector<Endpoint> hosts = {};  // None: every address is one, whatever its port.
    std::uint16_t port_min = 32'768;   // Of those that a connect, or a listener at port 0, gets.
    std::uint16_t port_max = 60'999;
    std::size_t segment_octets_max = 65'483;
    std::size_t send_buffer_octets = 256 * 1024;
    std::size_t receive_buffer_octets = 128 * 1024;

    int cut_segment_percent = 0;  // A segment ends at any octet.
    int no_port_percent = 0;
    int refused_percent = 0;
    int unreachable_percent = 0;
    int unanswered_percent = 0;
    int cut_percent = 0;  // Each direction of a connection is cut, at any octet before the last of
    std::uint64_t cut_octets_max = 64 * 1024;  // these, early ones more often.
};

struct DiskOptions {
    Duration latency_min{10'000};
    Duration latency_max{10'000};
    std::uint64_t capacity_octets = std::numeric_limits<std::uint64_t>::max();

    int stall_percent = 0;
    int short_read_percent = 0;
    int short_write_percent = 0;
    int open_error_percent = 0;
    int read_error_percent = 0;
    int write_error_percent = 0;
    int sync_error_percent = 0;
    int sync_lie_percent = 0;
    int name_error_percent = 0;
};

// Makes the record of TLS that comes next by these keys, of this type.
using Sealer = std::function<std::vector<std::byte>(const SealingKeys& keys, std::uint8_t type,
                                                    std::span<const std::byte> plaintext)>;

struct Options {
    std::uint64_t seed = 0;
    NetworkOptions network = {};
    DiskOptions disk = {};
    std::vector<Cut> cuts = {};

    // The pool that Receive takes from.
    std::size_t buffers = 64;
    std::size_t buffer_octets = 16 * 1024;
    std::size_t descriptors_max = 65'536;  // More than these are EMFILE.

    int no_socket_percent = 0;
    int accept_error_percent = 0;
    int accept_aborted_percent = 0;
    int send_error_percent = 0;
    int short_send_percent = 0;
    int short_receive_percent = 0;
    int multishot_end_percent = 0;
    int no_buffer_percent = 0;
    int cancel_loses_percent = 50;  // A cancel comes too late for an operation that could complete.

    // If there is one, just these faults happen: none is drawn, and `cuts` say nothing.
    std::optional<std::vector<Fault>> script = {};

    // By which the kernel seals what is sent, if it is given keys; none: it has no TLS.
    Sealer sealer = {};

    // Threads outside the simulation may wake() the loop: a wait that could never end then waits
    // for them, instead of being a violation. Such a run does not replay.
    bool other_threads = false;

    // Gets a line for each submission, cancel and completion. Outlives the backend.
    std::string* trace = nullptr;
};

// A world in which much goes wrong, though nothing that an endpoint could not survive: no cuts.
[[nodiscard]] Options faulty(std::uint64_t seed);

// One in which anything may go wrong, but for a disk that lies.
[[nodiscard]] Options hostile(std::uint64_t seed);

}  // namespace sluice::simulation
