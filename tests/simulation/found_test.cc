// Bugs that campaigns found, each by the worlds that showed it.

#include "sluice/tests/simulation/campaign.h"
#include "sluice/tests/simulation/script.h"

#include <cstdint>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice::campaign {
namespace {

TEST_CASE("found: a FIN that a reset came before is not among the unacknowledged octets",
          "[simulation][campaign]") {
    for (const auto& [seed, workload] :
         {std::pair(287U, Workload::download), std::pair(1908U, Workload::download),
          std::pair(3100U, Workload::download), std::pair(2240U, Workload::upload),
          std::pair(1296U, Workload::mixed)}) {
        CAPTURE(seed);
        CHECK(run_and_judge(script_of(seed, workload), Plant::none).violations.empty());
    }
}

// It blamed a proxy's record for naming the sink: the reset stood behind the answer's last 2,374
// octets, all of which had come, and which the proxy would have read had its sink not failed.
TEST_CASE("found: a reset behind octets that nobody has read yet is not what ends their exchange",
          "[simulation][campaign]") {
    for (const std::uint64_t seed : {std::uint64_t{1033620}, std::uint64_t{4040369306587}}) {
        CAPTURE(seed);
        CHECK(run_and_judge(script_of(seed, Workload::mixed), Plant::none).violations.empty());
    }
}

}  // namespace
}  // namespace sluice::campaign
