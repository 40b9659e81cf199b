// handshake_storm [--connections N] [--at-once N] [--warming-up N] [--backend KIND]: connections of
// TLS, one in four of them hostile, at a server and by clients that share a thread. Fails if an
// honest one was not answered, if the server was told of other failures than there should have
// been, or if a descriptor was left.
//
// Prints a line for each way to fail, and `connections N honest H answered A at_once K heap_kib
// WARM MOST AFTER resident_mib WARM MOST AFTER descriptors_left D seconds T`.

#include "sluice/examples/command_line.h"
#include "sluice/tests/bench/handshake_storm.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <optional>

int main(int argc, char** argv) {
    using namespace sluice;
    unsigned connections = 100'000;
    unsigned at_once = 100;
    unsigned warming_up = 1000;
    tests::Storm wanted;
    examples::CommandLine line("handshake_storm", "Shakes hands again and again.");
    line.option("--connections", "N", connections, "in all");
    line.option("--at-once", "N", at_once, "connections at a time");
    line.option("--warming-up", "N", warming_up, "connections before them");
    line.option("--backend", "KIND", wanted.backend, "auto, io_uring or epoll");
    if (const std::optional<int> status = line.parse(argc, argv)) {
        return *status;
    }
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    wanted.connections = connections;
    wanted.at_once = at_once;
    wanted.warming_up = warming_up;
    const tests::StormReport report = tests::storm(wanted);
    for (const auto& [failure, count] : report.failures) {
        std::printf("%8zu %s\n", count, failure.c_str());
    }
    std::printf(
        "connections %zu honest %zu answered %zu at_once %zu heap_kib %zu %zu %zu resident_mib %zu "
        "%zu %zu descriptors_left %zu seconds %.2f\n",
        wanted.connections, report.honest, report.answered, wanted.at_once,
        report.warm.heap_octets >> 10U, report.most.heap_octets >> 10U,
        report.after.heap_octets >> 10U, report.warm.resident_octets >> 20U,
        report.most.resident_octets >> 20U, report.after.resident_octets >> 20U,
        report.descriptors_left, std::chrono::duration<double>(report.took).count());
    const bool is_whole = report.answered == report.honest && report.resumed == 0 &&
                          report.failures == report.hostile;
    return is_whole && report.descriptors_left == 0 ? 0 : 1;
}
