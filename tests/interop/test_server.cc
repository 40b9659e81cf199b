// test_server: what real clients talk to in tests and measurements. A path for each thing that a
// server can do to a client.
//
//     GET  /               200, "hello\n"
//     POST /echo           the content, as it comes
//     PUT  /upload         201 once it has read everything; /upload?sha256 tells the hash
//     GET  /bytes/N        N octets, with a length
//     GET  /chunked/N      N octets in chunks, and their hash in a trailer
//     GET  /slow/MS        200 after so many milliseconds
//     GET  /file/NAME      a file below --root
//     POST /reject         413, and nothing of the content read
//     GET  /early-hints    103, then 200

#include "sluice/examples/command_line.h"
#include "sluice/examples/outcome_log.h"
#include "sluice/examples/secure_serving.h"
#include "sluice/examples/serve.h"
#include "sluice/http/url.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/forward.h"
#include "sluice/tls/digest.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace sluice::tests {
namespace {

using http::Method;
using http::Request;
using http::Responder;
using http::Status;

// What is sent where only the amount matters: always the same octets, from always the same place.
std::span<const std::byte> pattern() {
    static const std::vector<std::byte> octets = [] {
        std::vector<std::byte> filled(256 * 1024);
        std::uint32_t state = 1;
        for (std::byte& octet : filled) {
            state = state * 1664525 + 1013904223;
            octet = static_cast<std::byte>(state >> 24);
        }
        return filled;
    }();
    return octets;
}

// The rest of `path` after `prefix`, as a number.
std::optional<std::uint64_t> number_after(std::string_view path, std::string_view prefix) {
    if (!path.starts_with(prefix)) {
        return std::nullopt;
    }
    const std::string_view digits = path.substr(prefix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    return whole ? std::optional(number) : std::nullopt;
}

Task<> send_bytes(std::uint64_t octets, Responder& responder) {
    responder.fields().add("Content-Type", "application/octet-stream");
    ByteSink& sink = responder.start(Status::ok, octets);
    while (octets > 0) {
        const auto piece = pattern().first(std::min<std::uint64_t>(octets, pattern().size()));
        const Result<void> written = co_await sink.write(piece);
        if (!written) {
            co_return;
        }
        octets -= piece.size();
    }
    std::ignore = co_await sink.finish();
}

Task<> send_chunks(std::uint64_t octets, Responder& responder) {
    constexpr std::size_t chunk_octets = 16 * 1024;
    tls::Sha256 sha256;
    responder.fields().add("Trailer", "x-sha256");
    ByteSink& sink = responder.start(Status::ok);
    while (octets > 0) {
        const auto piece = pattern().first(std::min<std::uint64_t>(octets, chunk_octets));
        sha256.update(piece);
        const Result<void> written = co_await sink.write(piece);
        if (!written) {
            co_return;
        }
        octets -= piece.size();
    }
    responder.body().trailers().add("x-sha256", tls::hex(sha256.finish()));
    std::ignore = co_await sink.finish();
}

Task<> take_upload(Request& request, Responder& responder) {
    const bool hashes = request.query() == "sha256";
    tls::Sha256 sha256;
    while (true) {
        const Result<std::span<const std::byte>> octets = co_await request.body().read();
        if (!octets) {
            responder.respond(octets.error().code == Errc::limit_exceeded
                                  ? Status::content_too_large
                                  : Status::bad_request);
            co_return;
        }
        if (octets->empty()) {
            break;
        }
        if (hashes) {
            sha256.update(*octets);
        }
    }
    if (hashes) {
        responder.fields().add("x-sha256", tls::hex(sha256.finish()));
    }
    responder.respond(Status::created);
}

Task<> echo(Request& request, Responder& responder) {
    ByteSink& sink = responder.start(Status::ok, request.body().declared());
    std::ignore = co_await forward(request.body(), sink);
}

Task<> send_slowly(std::uint64_t milliseconds, Responder& responder) {
    const bool passed = co_await sleep_for(std::chrono::milliseconds(milliseconds));
    if (passed) {
        responder.respond(Status::ok, "slow\n");
    }
}

Task<> send_file(const std::string& root, std::string_view name, Responder& responder) {
    const std::optional<std::string> decoded = http::percent_decode(name);
    if (!decoded || decoded->contains('\0') || ("/" + *decoded + "/").contains("/../")) {
        responder.respond(Status::bad_request);
        co_return;
    }
    const Result<File> file = co_await File::open_to_read(root + "/" + *decoded);
    if (!file) {
        responder.respond(Status::not_found);
        co_return;
    }
    const Result<FileStatus> status = co_await file->status();
    if (!status || !status->is_regular) {
        responder.respond(Status::not_found);
        co_return;
    }
    responder.fields().add("Content-Type", "application/octet-stream");
    ByteSink& sink = responder.start(Status::ok, status->octets);
    const std::size_t buffer_octets =
        std::clamp<std::uint64_t>(status->octets, 1, FileSource::buffer_octets_default);
    FileSource content(*file, {0, status->octets}, buffer_octets);
    std::ignore = co_await forward(content, sink);
}

void hint_early(Responder& responder) {
    responder.fields().add("Link", "</style.css>; rel=preload; as=style");
    responder.interim(Status::early_hints);
    responder.respond(Status::ok, "hinted\n");
}

// Over TLS with what those look for who judge servers from outside.
void greet(const Request& request, Responder& responder) {
    responder.fields().add("Content-Type", "text/plain");
    if (request.security() != nullptr) {
        responder.fields().add("Strict-Transport-Security", "max-age=31536000");
        responder.fields().add("X-Content-Type-Options", "nosniff");
    }
    responder.respond(Status::ok, "hello\n");
}

Task<> handle(const std::string& root, Request& request, Responder& responder) {
    const std::string_view path = request.path();
    const bool gets = request.method() == Method::get || request.method() == Method::head;
    const std::optional<std::uint64_t> bytes = number_after(path, "/bytes/");
    const std::optional<std::uint64_t> chunked = number_after(path, "/chunked/");
    const std::optional<std::uint64_t> slow = number_after(path, "/slow/");
    if (gets && bytes) {
        co_await send_bytes(*bytes, responder);
    } else if (gets && chunked) {
        co_await send_chunks(*chunked, responder);
    } else if (gets && slow) {
        co_await send_slowly(*slow, responder);
    } else if (gets && path.starts_with("/file/")) {
        co_await send_file(root, path.substr(6), responder);
    } else if (path == "/upload" && request.method() == Method::put) {
        co_await take_upload(request, responder);
    } else if (path == "/echo" && request.method() == Method::post) {
        co_await echo(request, responder);
    } else if (path == "/reject" && request.method() == Method::post) {
        responder.respond(Status::content_too_large, "too large\n");
    } else if (gets && path == "/early-hints") {
        hint_early(responder);
    } else if (gets && path == "/") {
        greet(request, responder);
    } else {
        responder.respond(Status::not_found, "not found\n");
    }
}

int run(int argc, char** argv) {
    examples::ServeOptions options;
    std::string root = ".";
    std::string log_path;
    examples::CommandLine line("test_server", "What real clients talk to in tests.");
    options.add_to(line);
    line.option("--root", "DIR", root, "what GET /file/ serves (.)");
    line.option("--outcomes", "FILE", log_path, "a line of JSON an exchange; - is stdout");
    line.option("--drain", "SECONDS", options.drain, "for what is under way at SIGTERM (10)");
    examples::SecureServing secure;
    secure.add_to(line);
    if (const std::optional<int> status = line.parse(argc, argv)) {
        return *status;
    }
    if (!secure.apply_to(options)) {
        return 1;
    }
    http::Handler handler = [&root](Request& request, Responder& responder) {
        return handle(root, request, responder);
    };
    if (log_path.empty()) {
        return examples::serve(options, handler);
    }
    const auto log = examples::OutcomeLog::open(log_path);
    if (!log) {
        std::fprintf(stderr, "%s: %s\n", log_path.c_str(), describe(log.error()).c_str());
        return 1;
    }
    options.observer = log->get();
    return examples::serve(options, (*log)->watch(std::move(handler)));
}

}  // namespace
}  // namespace sluice::tests

int main(int argc, char** argv) {
    return sluice::tests::run(argc, argv);
}
