// upload_to_slow_files(): many uploads at once, each to a file of its own, on a slow device.
//
// The server has a thread and a loop to itself, on the backend that is looked at; the client has
// another. What is reported of the loop is how late a timer was that fires every other millisecond:
// so late could anything else have been.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/make_backend.h"

#include <cstddef>
#include <string>

namespace sluice::tests {

struct SlowUploads {
    BackendKind backend = BackendKind::automatic;
    std::size_t uploads = 4000;
    std::size_t octets = 64 * 1024;  // Of each.
    Duration latency{};              // Of each operation on a file.
    std::string directory;
};

struct SlowUploadsReport {
    std::size_t stored = 0;           // Answered with 201, in exchanges that were complete.
    std::size_t whole = 0;            // Files with the content that was sent.
    std::size_t waiting_most = 0;     // Operations at the device, at once.
    std::size_t resident_octets = 0;  // What the process grew by, at most.
    Duration late_p50{};
    Duration late_p99{};
    Duration late_most{};
    Duration took{};
};

[[nodiscard]] SlowUploadsReport upload_to_slow_files(const SlowUploads& options);

}  // namespace sluice::tests
