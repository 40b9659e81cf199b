#include "sluice/tests/bench/slow_uploads.h"

#include "sluice/tests/support/temporary_directory.h"

#include <chrono>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

TEST_CASE("uploads: many at once to a slow device are stored whole, in bounded memory",
          "[http][file]") {
    for (const BackendKind kind : {BackendKind::io_uring, BackendKind::epoll}) {
        const TemporaryDirectory directory;
        SlowUploads options;
        options.backend = kind;
        options.uploads = 100;
        options.octets = 100'000;
        options.latency = std::chrono::milliseconds(5);
        options.directory = directory.path("");
        const SlowUploadsReport report = upload_to_slow_files(options);
        CHECK(report.stored == options.uploads);
        CHECK(report.whole == options.uploads);
        CHECK(report.waiting_most >= 30);
        // The receive buffers of a loop are all that content may fill, however many wait for it.
        CHECK(report.resident_octets < std::size_t{32} * 1024 * 1024);
    }
}

}  // namespace
}  // namespace sluice::tests
