#include "sluice/tests/bench/handshake_storm.h"

#include <cstddef>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

constexpr std::size_t kibibyte = 1024;

TEST_CASE("handshake storm: who is honest is answered, who is not is told of, and nothing stays",
          "[tls][http]") {
    for (const BackendKind kind : {BackendKind::io_uring, BackendKind::epoll}) {
        CAPTURE(kind);
        const Storm wanted{.backend = kind, .connections = 600, .at_once = 40, .warming_up = 120};
        const StormReport report = storm(wanted);
        CHECK(report.honest == 450);
        CHECK(report.answered == report.honest);
        CHECK(report.resumed == 0);
        CHECK(report.hostile.size() == 5);
        CHECK(report.failures.size() == report.hostile.size());
        for (const auto& [failure, count] : report.hostile) {
            CAPTURE(failure);
            const auto told = report.failures.find(failure);
            REQUIRE(told != report.failures.end());
            CHECK(told->second == count);
        }
        // By chance more are in one state than ever before, and a pool grows for good.
        CHECK(report.after.heap_octets < report.warm.heap_octets + wanted.at_once * 4 * kibibyte);
        CHECK(report.most.heap_octets < report.warm.heap_octets + wanted.at_once * 100 * kibibyte);
        CHECK(report.descriptors_left == 0);
    }
}

}  // namespace
}  // namespace sluice::tests
