// Evidence: all that can be known of one world: what every application did and was told, and what
// the kernels saw.
//
// It is written down where it happens, by those who did it, and judged afterwards (rules.h).

#pragma once

#include "sluice/http/method.h"
#include "sluice/http/outcome.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/runtime/clock.h"
#include "sluice/tests/simulation/content.h"
#include "sluice/tests/simulation/plan.h"
#include "sluice/tests/simulation/wiretap.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::campaign {

using http::Outcome;

// Content as it crossed between an application and the library.
struct Passed {
    std::uint64_t octets = 0;  // Handed over, or got.
    std::uint64_t taken = 0;   // Of those handed over: by calls that did not fail.
    Digest digest;             // Of `octets`.
    bool ended = false;        // finish() was called; or the proven end was seen.
    bool failed = false;       // A call failed, or the application gave up.

    void add(std::span<const std::byte> piece) noexcept {
        octets += piece.size();
        digest.add(piece);
    }
};

inline constexpr std::uint32_t no_exchange_number = 0xffff'ffff;

// One exchange as the application that asked for it knows it.
struct Call {
    std::uint32_t number = 0;  // What its target names.
    Host to = Host::origin;
    bool from_proxy = false;
    http::Method method = http::Method::get;
    std::optional<std::uint64_t> declared;
    Passed sent;
    Passed got;
    http::Status status{};
    Outcome outcome;
    std::vector<Outcome> attempts;
    int outcomes = 0;  // How many the application was told. None of one that it let go.
    bool let_go = false;
    bool counters_fell = false;  // From one look at the record to a later one.
    bool asked_nonsense = false;
    // What the application did to end it, and when first.
    http::Mechanism gave_up = http::Mechanism::none;
    Instant gave_up_at = never;
    Instant began = never;
    Instant ended = never;
    Duration limit = never;  // For the whole.
};

// One run of a handler.
struct Handling {
    std::uint32_t number = no_exchange_number;
    Host at = Host::origin;
    std::uint16_t client_port = 0;
    std::uint32_t nth = 0;  // On its connection, from 1.
    http::Method method = http::Method::get;
    Passed got;
    Passed sent;
    http::Status status{};  // That it began to answer with.
    std::optional<std::uint64_t> declared;
    bool threw = false;
    bool aborted = false;
    bool own_answer = false;  // A proxy's, not its origin's.
    Instant began = never;
    Instant ended = never;  // Its last statement was reached, or an exception left it.
    std::optional<std::size_t> upstream;  // A proxy's: its own call.
    std::optional<Outcome> told;
};

// An outcome as an observer got it, and what the kernels knew at that moment.
struct Told {
    Host host = Host::origin;  // Of a client's: to whom, as far as it is known.
    Outcome outcome;
    Instant at = never;
    std::uint64_t accepted = 0;
    std::uint64_t acknowledged = 0;
};

// What one stream of pipelined requests asked for, and what came back, octet for octet.
struct Pipelined {
    std::vector<std::uint32_t> asked;
    std::string answers;
};

// An object that somebody wanted stored.
struct Stored {
    std::string name;
    Digest digest;
    std::uint64_t octets = 0;
    bool is_whole = false;         // The client handed over all of it.
    Instant confirmed_at = never;  // When the client had the 201 or 204.
    Instant began = never;
};

struct Evidence {
    std::deque<Call> calls;
    std::deque<Handling> handlings;
    std::vector<Told> client_told;
    std::vector<Told> server_told;
    std::deque<Pipelined> pipelined;
    std::deque<Stored> stored;
    // What a crash left of the store, by name.
    Instant crashed_at = never;
    std::map<std::string, std::string> survivors;
    std::set<std::uint16_t> taken_ports;  // Of connections that an HTTP server was handed.
    std::set<std::uint16_t> raw_server_ports;
    std::set<std::uint16_t> raw_ports;  // Of connections one end of which is not ours.
    std::map<std::uint16_t, WireConnection> wire;
    std::vector<int> connect_errors;
    std::vector<std::string> simulator_reports;
    std::string leaks;  // Empty: none.
    Instant drained_at = never;
    Instant client_closed_at = never;
    Instant ended = never;
    bool is_cut = false;       // A connection of it was.
    std::uint64_t faults = 0;  // That happened; among them these, of the simulator's:
    std::vector<simulation::Fault> simulated_faults;
};

}  // namespace sluice::campaign
