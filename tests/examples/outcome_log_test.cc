#include "sluice/examples/outcome_log.h"

#include "sluice/tests/http/server_harness.h"
#include "sluice/tests/support/temporary_directory.h"

#include <sstream>
#include <string>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::examples {
namespace {

using tests::get;
using tests::Send;
using tests::Wait;

TEST_CASE("OutcomeLog: a line says what was asked, whatever the order of the outcomes",
          "[examples][log]") {
    const tests::TemporaryDirectory directory;
    const std::string path = directory.path("log");
    const Result<std::unique_ptr<OutcomeLog>> log = OutcomeLog::open(path);
    REQUIRE(log);
    const tests::Played played = tests::play({
        .handler = (*log)->watch(tests::say_hello),
        .clients = {{Send{get("/1") + get("/2") + get("/3") + "GET"},
                     Wait{std::chrono::seconds(1)}}},
    });
    REQUIRE(played.ids() == "S11 S11 S11 S1");
    for (const std::size_t index : {2U, 3U, 0U, 1U}) {
        (*log)->exchange_ended(played.outcomes[index]);
    }

    std::istringstream file(directory.read("log"));
    std::vector<std::string> targets;
    for (std::string line; std::getline(file, line);) {
        const std::size_t at = line.find("\"target\":\"");
        targets.push_back(at == std::string::npos ? "" : line.substr(at + 10, 2));
    }
    CHECK(targets == std::vector<std::string>{"/3", "", "/1", "/2"});
}

}  // namespace
}  // namespace sluice::examples
