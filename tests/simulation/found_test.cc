// Bugs that campaigns found, each by the worlds that showed it.

#include "sluice/tests/simulation/campaign.h"
#include "sluice/tests/simulation/script.h"

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

}  // namespace
}  // namespace sluice::campaign
