// test_client: one client that sends what it is told to, one request after another, and tells what
// became of each.
//
// Requests are lines of JSON:
//
//     {"method":"PUT","url":"http://...","headers":["N: V"],"body_file":"F","chunked":false,
//      "expect_continue":false,"wait_ms":0,"timeout_ms":5000,"save":"F"}
//
// method and url are needed. Each yields a line of JSON: its outcome, with the hash of the
// response's content as "body_sha256". Connections are kept and used again, as any client would.

#include "sluice/examples/command_line.h"
#include "sluice/http/client.h"
#include "sluice/http/outcome_json.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/hashed.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/threads.h"
#include "sluice/runtime/workers.h"
#include "sluice/tests/interop/request_line.h"
#include "sluice/tls/context.h"
#include "sluice/tls/digest.h"
#include "sluice/tls/https.h"
#include "sluice/tls/options.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace sluice::tests {
namespace {

// Reads the response's content to its end, to `save` if that is named, and yields its hash.
Task<std::string> take_content(http::Exchange& exchange, std::string save) {
    tls::Sha256 sha256;
    Result<http::Response> response = co_await exchange.response();
    if (!response) {
        co_return tls::hex(sha256.finish());
    }
    HashedSource content(response->body(), sha256);
    if (save.empty()) {
        NullSink nowhere;
        std::ignore = co_await forward(content, nowhere);
    } else {
        Result<File> file = co_await File::create(save);
        if (!file) {
            exchange.abort(http::Mechanism::sink_error);
            co_return tls::hex(sha256.finish());
        }
        FileSink sink(*file);
        const Result<std::uint64_t> saved = co_await forward(content, sink);
        if (!saved && saved.error().phase == Phase::write) {
            exchange.abort(http::Mechanism::sink_error);
        }
    }
    co_return tls::hex(sha256.finish());
}

Task<> send_content(http::Exchange& exchange, const File& file) {
    FileSource source(file);
    std::ignore = co_await forward(source, exchange.body());
}

http::ClientRequest request_of(const RequestLine& line) {
    http::ClientRequest request(line.method, line.url);
    for (const std::string_view field : line.fields) {
        const std::size_t colon = std::min(field.find(':'), field.size());
        const std::string_view value = field.substr(std::min(colon + 1, field.size()));
        request.field(field.substr(0, colon), value);
    }
    if (line.expect_continue) {
        request.expect_continue();
    }
    if (line.timeout) {
        request.total_max(*line.timeout);
    }
    return request;
}

Task<std::string> perform(http::Client& client, const RequestLine& line) {
    const Context context = co_await this_task();
    http::ClientRequest request = request_of(line);
    std::optional<File> file;
    if (!line.body_file.empty()) {
        Result<File> opened = co_await File::open_to_read(line.body_file);
        if (!opened) {
            co_return "{\"error\":\"body_file cannot be opened\"}";
        }
        const Result<std::uint64_t> octets = co_await opened->size();
        if (line.chunked || !octets) {
            request.chunked();
        } else {
            request.length(*octets);
        }
        file.emplace(std::move(*opened));
    }
    http::Exchange exchange = client.begin(request);
    Running<std::string> taking(context, take_content(exchange, line.save));
    if (file) {
        co_await send_content(exchange, *file);
    }
    co_await taking.join();
    const http::Outcome outcome = co_await exchange.outcome();
    http::JsonWriter json;
    http::write_open_json(json, outcome, exchange.attempts());
    json.key("body_sha256").string(taking.take()).end_object();
    co_return json.take();
}

Task<int> perform_all(Loop& loop, const http::ClientOptions& options, std::istream& lines) {
    http::Client client(loop, options);
    int status = 0;
    std::string text;
    // Elsewhere, so that the loop still watches its idle connections while nobody asks for
    // anything.
    const auto next_line = [&] { return static_cast<bool>(std::getline(lines, text)); };
    while (true) {
        const bool is_there = co_await offload(next_line);
        if (!is_there) {
            break;
        }
        if (text.empty()) {
            continue;
        }
        const std::optional<RequestLine> line = parse_request_line(text);
        if (!line) {
            std::fprintf(stderr, "not a request: %s\n", text.c_str());
            status = 2;
            break;
        }
        co_await sleep_for(line->wait);
        const std::string told = co_await perform(client, *line);
        std::printf("%s\n", told.c_str());
        std::fflush(stdout);
    }
    co_await client.close();
    co_return status;
}

int run(int argc, char** argv) {
    std::string path = "-";
    BackendKind backend = BackendKind::automatic;
    tls::ClientOptions tls;
    examples::CommandLine line("test_client", "Sends requests one after another.");
    line.option("--requests", "FILE", path, "lines of JSON; - is standard input (-)");
    line.option("--backend", "KIND", backend, "auto, io_uring or epoll (auto)");
    line.option("--cacert", "FILE", tls.trust_file,
                "whom to trust for https, in PEM (the system's roots)");
    line.flag("--require-staple", tls.require_ocsp_staple,
              "refuse servers that do not show that they are not revoked");
    if (const std::optional<int> status = line.parse(argc, argv)) {
        return *status;
    }
    std::ifstream file(path);
    if (path != "-" && !file) {
        return line.complain("cannot open " + path);
    }
    std::istream& lines = path == "-" ? std::cin : file;
    const auto context = tls::ClientContext::create(tls);
    if (!context) {
        return line.complain(context.error().description());
    }
    const http::ClientOptions options{.https = tls::https(*context)};
    return run_on_threads(1, backend,
                          [&](Loop& loop, unsigned) { return perform_all(loop, options, lines); });
}

}  // namespace
}  // namespace sluice::tests

int main(int argc, char** argv) {
    return sluice::tests::run(argc, argv);
}
