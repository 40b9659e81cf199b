// Bugs that campaigns found, each by the worlds that showed it.

#include "sluice/tests/simulation/campaign.h"
#include "sluice/tests/simulation/script.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice::campaign {
namespace {

// The world as it was then: what scripts have had since is left out.
Script as_found(std::uint64_t seed, Workload workload) {
    Script script = script_of(seed, workload);
    for (std::size_t number = 0; number < script.faults.size(); ++number) {
        if (script.faults[number].kind >= FaultKind::no_ports) {
            script.without.insert(number);
        }
    }
    return script;
}

TEST_CASE("found: a FIN that a reset came before is not among the unacknowledged octets",
          "[simulation][campaign]") {
    for (const auto& [seed, workload] :
         {std::pair(287U, Workload::download), std::pair(1908U, Workload::download),
          std::pair(3100U, Workload::download), std::pair(2240U, Workload::upload),
          std::pair(1296U, Workload::mixed)}) {
        CAPTURE(seed);
        CHECK(run_and_judge(as_found(seed, workload), Plant::none).violations.empty());
    }
}

// It blamed a proxy's record for naming the sink: the reset stood behind the answer's last 2,374
// octets, all of which had come, and which the proxy would have read had its sink not failed.
TEST_CASE("found: a reset behind octets that nobody has read yet is not what ends their exchange",
          "[simulation][campaign]") {
    for (const std::uint64_t seed : {std::uint64_t{1033620}, std::uint64_t{4040369306587}}) {
        CAPTURE(seed);
        CHECK(run_and_judge(as_found(seed, Workload::mixed), Plant::none).violations.empty());
    }
}

// The end of a connection that was cut reached both its ends in one instant.
TEST_CASE("found: a FIN that came no later than its sender sent one was somebody else's",
          "[simulation][campaign]") {
    const Script script = as_found(2006543317414, Workload::mixed);
    CHECK(run_and_judge(script, Plant::none).violations.empty());
}

// A client waited for the end of a connection that lived.
TEST_CASE("found: without memory for a send its exchange ends, and nobody waits for the peer's end",
          "[simulation][campaign]") {
    for (const std::uint64_t seed : {std::uint64_t{1869182990902}, std::uint64_t{1869183000137}}) {
        CAPTURE(seed);
        const Script script = script_of(seed, Workload::mixed);
        CHECK(run_and_judge(script, Plant::none).violations.empty());
    }
}

void check_over_tls(std::uint64_t seed) {
    CAPTURE(seed);
    CHECK(run_and_judge(script_of(seed, Workload::mixed, true), Plant::none).violations.empty());
}

// Its Finished had not left, for want of memory; its request had, and the server could not open it.
TEST_CASE("found: a client of TLS whose last flight could not be sent has no connection",
          "[simulation][campaign][tls]") {
    check_over_tls(3);
    check_over_tls(59);
}

TEST_CASE("found: a connection of TLS that is cut while it is idle has not ended in good order",
          "[simulation][campaign][tls]") {
    check_over_tls(185);
    check_over_tls(246);
}

// Its time limit stopped the sending of tickets, and what was sent next was told as a drain.
TEST_CASE("found: a handshake that is stopped in its last flight has failed, and is none",
          "[simulation][campaign][tls]") {
    check_over_tls(493);
    check_over_tls(569);
}

// OpenSSL calls a fatal alert the end of what it receives, too: a client that could not open its
// response was told as one that had read it.
TEST_CASE("found: a fatal alert is no goodbye, and confirms nothing",
          "[simulation][campaign][tls]") {
    check_over_tls(1993);
    check_over_tls(2068);
    check_over_tls(2380);
}

// It doubted the record: whoever has stopped reading learns of a reset by a poll alone.
TEST_CASE("found: a reset that only a poll has shown was one", "[simulation][campaign][tls]") {
    check_over_tls(12862);
}

// An answer came while the last write was under way: it was stopped too late, and left nothing.
TEST_CASE("found: a request of which every octet was accepted was not answered early",
          "[simulation][campaign]") {
    const Script script = script_of(2786690664206, Workload::mixed);
    CHECK(run_and_judge(script, Plant::none).violations.empty());
}

// An answer was sent behind a record that could not be opened, and ended the process.
TEST_CASE("found: a connection that has failed is none whose keys the kernel gets",
          "[simulation][campaign][tls]") {
    check_over_tls(3705400352113);
}

// Two changes of one octet took each other back, and the goodbye behind it was a good one.
TEST_CASE("found: what an attacker has changed stays changed", "[simulation][campaign][tls]") {
    check_over_tls(3361937551776);
}

}  // namespace
}  // namespace sluice::campaign
