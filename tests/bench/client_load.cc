// client_load: keep-alive GETs over N connections of one thread, each as soon as the last ended.
// What a user of the client would write; nothing in it is there for benchmarks.

#include "sluice/examples/command_line.h"
#include "sluice/http/client.h"
#include "sluice/http/client_options.h"
#include "sluice/http/client_request.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/task.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>

namespace {

using namespace sluice;

struct Tally {
    std::uint64_t complete = 0;
    std::uint64_t other = 0;
};

Task<http::Outcome> get_once(http::Client& client, const http::ClientRequest& request) {
    http::Exchange exchange = client.begin(request);
    Result<http::Response> response = co_await exchange.response();
    while (response) {
        const Result<std::span<const std::byte>> octets = co_await response->body().read();
        if (!octets || octets->empty()) {
            break;
        }
    }
    const http::Outcome outcome = co_await exchange.outcome();
    co_return outcome;
}

Task<> get_until(http::Client& client, const http::ClientRequest& request, Instant end,
                 Tally& tally) {
    const Context context = co_await this_task();
    while (context.loop->now() < end) {
        const http::Outcome outcome = co_await get_once(client, request);
        if (http::verdict_of(outcome) != http::Verdict::complete) {
            ++tally.other;
            co_return;
        }
        ++tally.complete;
    }
}

Task<Tally> load(Loop& loop, const http::ClientRequest& request, unsigned connections,
                 Duration duration) {
    http::ClientOptions options;
    options.connections_per_origin_max = connections;
    http::Client client(loop, options);
    Tally tally;
    Scope scope(loop);
    const Instant end = loop.now() + duration;
    for (unsigned each = 0; each < connections; ++each) {
        scope.spawn(get_until(client, request, end, tally));
    }
    co_await scope.join();
    co_await client.close();
    co_return tally;
}

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
    std::string url;
    unsigned connections = 32;
    Duration duration = std::chrono::seconds(5);
    BackendKind kind = BackendKind::automatic;
    examples::CommandLine line("client_load", "GETs a URL again and again, and counts.");
    line.option("--url", "U", url, "what to get");
    line.option("--connections", "N", connections, "connections, each with one request at a time");
    line.option("--seconds", "S", duration, "for how long");
    line.option("--backend", "NAME", kind, "auto, io_uring or epoll");
    if (const std::optional<int> status = line.parse(argc, argv)) {
        return *status;
    }
    const http::ClientRequest request = http::get(url);
    if (request.error() || connections == 0) {
        return line.complain("--url must be an http URL, and --connections at least 1");
    }
    const Result<OwnedBackend> backend = make_backend(kind);
    if (!backend) {
        std::fprintf(stderr, "%s\n", describe_backend_failure(kind, backend.error()).c_str());
        return 1;
    }
    Loop loop(**backend);
    const double cpu_before = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    const Tally tally = block_on(loop, load(loop, request, connections, duration));
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
    std::printf("requests %llu seconds %.3f cpu %.3f\n",
                static_cast<unsigned long long>(tally.complete), passed.count(),
                cpu_seconds() - cpu_before);
    if (tally.other > 0) {
        std::fprintf(stderr, "%llu connections ended early\n",
                     static_cast<unsigned long long>(tally.other));
    }
    return tally.other == 0 ? 0 : 1;
}
