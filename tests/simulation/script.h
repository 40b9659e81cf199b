// Script: what one world is like, and each thing that goes wrong in it, one by one.
//
// All of it is drawn from the seed. A fault can be left out by its number without changing the
// others; and what then befell single operations, of which a fault of the script says only how
// often, can be made to happen again one by one. So a script that breaks a rule can be shrunk to
// what is needed for that.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/simulation/fault.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/simulation/random.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::campaign {

using simulation::Random;

enum class Workload : std::uint8_t { upload, download, proxy, store, mixed };

[[nodiscard]] std::string_view name(Workload workload) noexcept;
[[nodiscard]] std::optional<Workload> workload_of(std::string_view name) noexcept;

enum class FaultKind : std::uint8_t {
    // Of every operation, `amount` per cent of them.
    cut_segments,
    short_sends,
    short_receives,
    multishot_ends,
    no_buffers,
    accept_errors,
    accepts_aborted,
    no_sockets,
    cancels_lose,
    connects_refused,
    connects_unreachable,
    connects_unanswered,
    disk_stalls,
    short_reads,
    short_writes,
    open_errors,
    read_errors,
    write_errors,
    sync_errors,
    name_errors,
    // Of the world: `amount` octets, or microseconds.
    small_send_buffer,
    small_receive_buffer,
    small_disk,
    latency,
    disk_latency,
    // Of one connection.
    cut,
    // Of the client of exchange `subject`, once it has written, or read, `amount` octets.
    client_cancels,
    client_source_fails,
    client_sink_fails,
    client_leaves_unfinished,
    client_writes_too_much,
    client_lets_go,
    client_sleeps,
    client_deadline,  // After `amount` milliseconds.
    client_asks_nonsense,
    // Of the handler of exchange `subject`, likewise.
    handler_throws,
    handler_aborts,
    handler_falls_short,
    handler_writes_too_much,
    handler_sleeps,
    // Of a host.
    drain,         // The origin shuts down after `amount` milliseconds.
    close_client,  // The client does.
    crash,         // The store loses its power after `amount` milliseconds.
    // Again of every operation, `amount` per cent of them.
    no_ports,
    send_errors,
    // Of one connection under TLS: an octet arrives as another.
    flip,
    // Of the world: TCP may leave octets unacknowledged, or a connection idle, for `amount`
    // milliseconds.
    tcp_gives_up,
};

struct Fault {
    FaultKind kind;
    std::uint32_t subject = 0;
    std::uint64_t amount = 0;
    simulation::Cut cut = {};
};

// "client_cancels of exchange 3 at 512".
[[nodiscard]] std::string describe(const Fault& fault);

// Whether it says how often, of every operation of a kind.
[[nodiscard]] constexpr bool is_rate(FaultKind kind) noexcept {
    return kind <= FaultKind::name_errors || kind == FaultKind::no_ports ||
           kind == FaultKind::send_errors;
}

// Some of what befell single operations in a run by chance, by its numbers there. It happens again,
// and nothing else does by chance.
struct Singles {
    std::set<std::size_t> numbers;
    std::vector<simulation::Fault> faults;
};

struct Script {
    std::uint64_t seed = 0;
    Workload workload = Workload::mixed;
    std::vector<Fault> faults;      // All that were drawn.
    std::set<std::size_t> without;  // Numbers of those that are left out.
    std::optional<Singles> singles = {};
    bool over_tls = false;

    [[nodiscard]] bool has(std::size_t number) const { return !without.contains(number); }
    // The fault of this kind, or of this kind and subject, that is not left out.
    [[nodiscard]] const Fault* find(FaultKind kind) const;
    [[nodiscard]] const Fault* find(FaultKind least, FaultKind most, std::uint32_t subject) const;
};

inline constexpr std::uint32_t calls_max = 12;

// Over TLS it is the same script, with what can befall TLS behind it.
[[nodiscard]] Script script_of(std::uint64_t seed, Workload workload, bool over_tls = false);

[[nodiscard]] simulation::Options options_of(const Script& script);

// Of the sockets of all hosts.
[[nodiscard]] SocketOptions socket_options_of(const Script& script);

}  // namespace sluice::campaign
