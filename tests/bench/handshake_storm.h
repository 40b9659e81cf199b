// storm(): many connections of TLS, so many at a time, some of them hostile, and what they leave.
//
// Each honest one shakes hands in full, asks for a few octets and goes; the others say what TLS
// does not, or go in the midst of it. Server and clients share a loop and its backend. Before what
// is counted there is a smaller storm, of twice as many at a time: what that needed, and was kept
// for the next ones, is enough for all that come, and what grows after it was not given back.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/make_backend.h"

#include <cstddef>
#include <map>
#include <string>

namespace sluice::tests {

struct Storm {
    BackendKind backend = BackendKind::automatic;
    std::size_t connections = 100'000;
    std::size_t at_once = 100;
    std::size_t warming_up = 1000;
    std::size_t hostile_one_in = 4;
};

// What the process holds.
struct Held {
    std::size_t heap_octets = 0;  // That malloc() gave out.
    std::size_t resident_octets = 0;
};

struct StormReport {
    std::size_t honest = 0;
    std::size_t answered = 0;  // With 200, in exchanges that were complete.
    std::size_t resumed = 0;   // Of which a session was, though none should be.
    // How many handshakes should have failed, and what the server's observer was told of them.
    std::map<std::string, std::size_t> hostile;
    std::map<std::string, std::size_t> failures;
    Held warm;  // After the smaller storm, when the last of its connections was gone.
    Held most;  // At any time after it.
    Held after;
    std::size_t descriptors_left = 0;
    Duration took{};  // Without the smaller one.
};

[[nodiscard]] StormReport storm(const Storm& wanted);

}  // namespace sluice::tests
