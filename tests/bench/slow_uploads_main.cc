// slow_uploads io_uring|epoll [UPLOADS [OCTETS [MILLISECONDS]]]: uploads at once, each to a file of
// its own, on a device where each operation takes so long.
//
// Prints `uploads U stored S whole W at_device N late_us P50 P99 MOST grown_mib M seconds T`.

#include "sluice/tests/bench/slow_uploads.h"
#include "sluice/tests/support/temporary_directory.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

std::size_t number(int count, char** arguments, int index, std::size_t otherwise) {
    return count > index ? std::strtoull(arguments[index], nullptr, 10) : otherwise;
}

long long microseconds(sluice::Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

int main(int count, char** arguments) {
    using namespace sluice;
    const Result<BackendKind> kind = parse_backend_kind(count > 1 ? arguments[1] : "auto");
    if (!kind) {
        std::fprintf(stderr, "the backend is none of auto, io_uring, epoll\n");
        return 2;
    }
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const tests::TemporaryDirectory directory;
    tests::SlowUploads options;
    options.backend = *kind;
    options.uploads = number(count, arguments, 2, 4000);
    options.octets = number(count, arguments, 3, 64 * 1024);
    options.latency = std::chrono::milliseconds(number(count, arguments, 4, 200));
    options.directory = directory.path("");
    const tests::SlowUploadsReport report = tests::upload_to_slow_files(options);
    std::printf(
        "uploads %zu stored %zu whole %zu at_device %zu late_us %lld %lld %lld grown_mib %zu "
        "seconds %.2f\n",
        options.uploads, report.stored, report.whole, report.waiting_most,
        microseconds(report.late_p50), microseconds(report.late_p99),
        microseconds(report.late_most), report.resident_octets >> 20U,
        std::chrono::duration<double>(report.took).count());
    return report.whole == options.uploads ? 0 : 1;
}
