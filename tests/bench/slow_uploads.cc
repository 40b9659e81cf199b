#include "sluice/tests/bench/slow_uploads.h"

#include "sluice/http/client.h"
#include "sluice/http/request.h"
#include "sluice/http/server.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/atomic_file.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/support/slow_device.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <ios>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::tests {

namespace {

using namespace std::chrono_literals;

// A piece of it, at another place for each upload, is an upload's content.
class Content {
public:
    explicit Content(const SlowUploads& options) : octets_(options.octets) {
        std::uint64_t state = 1;
        for (std::size_t index = 0; index < options.octets + options.uploads; ++index) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            pool_.push_back(static_cast<char>(state >> 56));
        }
    }
    [[nodiscard]] std::string_view of(std::size_t upload) const {
        return std::string_view(pool_).substr(upload, octets_);
    }

private:
    std::size_t octets_;
    std::string pool_;
};

// In which a third thread has no part: what the client learned is read once it has ended.
struct Stage {
    const SlowUploads& options;
    const Content& content;
    SlowUploadsReport& report;
    std::atomic<std::uint16_t> port{0};
    std::atomic<bool> is_done{false};
};

std::size_t resident_most() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

Task<> store(const std::string& directory, http::Request& request, http::Responder& responder) {
    AtomicFile file(directory + std::string(request.target()));
    const Result<std::uint64_t> stored = co_await forward(request.body(), file);
    if (stored) {
        responder.respond(http::Status::created);
    }
}

Task<> serve(http::Server& server, Acceptor& acceptor) {
    const Result<void> served = co_await server.serve(acceptor);
    static_cast<void>(served);
}

Task<> run_server(Loop& loop, Stage& stage) {
    const std::string& directory = stage.options.directory;
    http::Server server(loop, [&](http::Request& request, http::Responder& responder) {
        return store(directory, request, responder);
    });
    const auto acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    Scope serving(loop);
    serving.spawn(serve(server, *acceptor));
    stage.port = acceptor->local().port();

    std::vector<Duration> late;
    while (!stage.is_done) {
        const Instant due = loop.now() + 2ms;
        co_await sleep_until(due);
        late.push_back(loop.now() - due);
    }
    server.drain(1s);
    co_await serving.join();
    std::ranges::sort(late);
    stage.report.late_p50 = late[late.size() / 2];
    stage.report.late_p99 = late[late.size() * 99 / 100];
    stage.report.late_most = late.back();
}

Task<> upload(http::Client& client, Stage& stage, std::size_t index) {
    const std::string url =
        "http://127.0.0.1:" + std::to_string(stage.port) + "/" + std::to_string(index);
    const std::string_view content = stage.content.of(index);
    http::Exchange exchange = client.begin(http::put(url).length(content.size()));
    Result<void> written = co_await exchange.body().write(std::as_bytes(std::span(content)));
    if (written) {
        written = co_await exchange.body().finish();
    }
    const Result<http::Response> response = co_await exchange.response();
    const bool is_created = response && response->status() == http::Status::created;
    const http::Outcome outcome = co_await exchange.outcome();
    const bool is_complete = http::verdict_of(outcome) == http::Verdict::complete;
    stage.report.stored += is_created && is_complete ? 1U : 0U;
}

Task<> run_client(Loop& loop, Stage& stage) {
    http::ClientOptions options;
    options.connections_per_origin_max = stage.options.uploads;
    options.first_byte_max = never;
    options.stall_max = never;
    options.connect_max = never;
    http::Client client(loop, options);
    Scope uploads(loop);
    for (std::size_t index = 0; index < stage.options.uploads; ++index) {
        uploads.spawn(upload(client, stage, index));
    }
    co_await uploads.join();
    co_await client.close();
}

void run_client_thread(Stage& stage) {
    while (stage.port == 0) {
        std::this_thread::yield();
    }
    const OwnedBackend backend = make_backend(BackendKind::epoll).value();
    Loop loop(*backend);
    block_on(loop, run_client(loop, stage));
    stage.is_done = true;
}

bool is_whole(const Stage& stage, std::size_t index) {
    const std::string path = stage.options.directory + "/" + std::to_string(index);
    std::ifstream file(path, std::ios::binary);
    const std::string octets{std::istreambuf_iterator<char>(file), {}};
    return octets == stage.content.of(index);
}

}  // namespace

SlowUploadsReport upload_to_slow_files(const SlowUploads& options) {
    SlowUploadsReport report;
    const Content content(options);
    Stage stage{.options = options, .content = content, .report = report};
    const std::size_t resident_before = resident_most();
    const auto begun = std::chrono::steady_clock::now();
    std::thread client(run_client_thread, std::ref(stage));
    {
        const OwnedBackend real = make_backend(options.backend).value();
        SlowDevice device(*real, options.latency);
        Loop loop(device);
        block_on(loop, run_server(loop, stage));
        report.waiting_most = device.waiting_most();
    }
    client.join();
    report.took = std::chrono::steady_clock::now() - begun;
    report.resident_octets = resident_most() - resident_before;
    for (std::size_t index = 0; index < options.uploads; ++index) {
        report.whole += is_whole(stage, index) ? 1U : 0U;
    }
    return report;
}

}  // namespace sluice::tests
