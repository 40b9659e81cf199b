// transfer: a file to a URL or from one, and one true sentence about what became of it.

#include "sluice/examples/command_line.h"
#include "sluice/examples/exit_status.h"
#include "sluice/examples/handshake_log.h"
#include "sluice/examples/stopped_by_signals.h"
#include "sluice/examples/transfer_job.h"
#include "sluice/http/client.h"
#include "sluice/http/outcome_json.h"
#include "sluice/http/outcome_text.h"
#include "sluice/http/url.h"
#include "sluice/runtime/signals.h"
#include "sluice/runtime/threads.h"
#include "sluice/tls/context.h"
#include "sluice/tls/https.h"
#include "sluice/tls/options.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::examples {
namespace {

struct Program {
    TransferOptions job;
    http::ClientOptions client;
    BackendKind backend = BackendKind::automatic;
    tls::ClientOptions tls;
    bool is_secure = false;
    bool json = false;
};

// What a server says is shown, but not what it might do to a terminal.
std::string printable(std::string text) {
    std::ranges::replace_if(
        text, [](unsigned char octet) { return octet < ' ' && octet != '\n'; }, ' ');
    while (text.ends_with('\n')) {
        text.pop_back();
    }
    return text;
}

int tell(const Program& program, const TransferEnd& end) {
    if (end.local_failure) {
        std::fprintf(stderr, "transfer: %s\n", end.local_failure->c_str());
    }
    if (end.attempts.empty()) {
        return static_cast<int>(ExitStatus::other);
    }
    const http::Outcome& outcome = end.attempts.back();
    if (program.json) {
        std::printf("%s\n", http::to_json(outcome, end.attempts).c_str());
    } else {
        if (!end.refusal.empty()) {
            std::fprintf(stderr, "%s\n", printable(end.refusal).c_str());
        }
        const http::Method method = http::method_of(program.job.method);
        std::fprintf(stderr, "%s\n", http::sentence(outcome, method).c_str());
    }
    const ExitStatus status = exit_status_of(outcome);
    const bool success = status == ExitStatus::success;
    return static_cast<int>(success && end.local_failure ? ExitStatus::other : status);
}

Task<int> transfer(Loop& loop, const Program& program,
                   const std::optional<tls::ClientContext>& context) {
    HandshakeLog log;
    http::ClientOptions options = program.client;
    if (context) {
        options.https = tls::https(*context, &log);
    }
    http::Client client(loop, options);
    TransferJob job(loop, client, program.job);
    const TransferEnd end = co_await stopped_by_signals(job.run());
    co_await client.close();
    co_return tell(program, end);
}

void describe(CommandLine& line, Program& program) {
    line.flag("--chunked", program.job.chunked, "send without saying the length first");
    line.flag("--expect-continue", program.job.expect_continue, "ask before sending the content");
    line.option("--header", "'NAME: VALUE'", program.job.fields, "a field of the request");
    line.option("--method", "METHOD", program.job.method, "instead of PUT or GET");
    line.option("--connect-timeout", "SECONDS", program.client.connect_max,
                "for resolving and connecting (15)");
    line.option("--timeout", "SECONDS", program.client.total_max, "for all of it (any)");
    line.option("--limit-rate", "OCTETS", program.job.rate_max, "a second, at most (any)");
    line.option("--cacert", "FILE", program.tls.trust_file,
                "whom to trust, in PEM (the system's roots)");
    line.option("--cert", "FILE", program.tls.identity.certificate_file,
                "who we are, for servers that ask");
    line.option("--key", "FILE", program.tls.identity.key_file, "the key of --cert");
    line.flag("--insecure", program.tls.insecure_skip_verification,
              "encrypt for whoever answers, be it an attacker");
    line.option("--retry", "N", program.job.retries_max,
                "try again so often, where that is safe (0)");
    const auto connect = [&program](std::string_view name) {
        return keep(Endpoint::unix_socket(name), program.client.tcp.instead);
    };
    line.option("--unix-socket", "PATH", connect, "connect there, and not to the URL's host");
    line.option("--backend", "KIND", program.backend, "auto, io_uring or epoll (auto)");
    line.flag("--json", program.json, "tell the outcome as JSON on stdout");
    line.not_yet("--resume", "");
    line.not_yet("--parallel", "N");
}

// "put FILE URL" and "get URL [FILE]" differ in their order.
std::optional<int> judge(const CommandLine& line, Program& program, const std::string& command,
                         const std::string& first, const std::string& second) {
    if (command != "put" && command != "get") {
        return line.complain("put or get, not '" + command + "'");
    }
    program.job.sends = command == "put";
    if (program.job.sends && second.empty()) {
        return line.complain("URL is missing");
    }
    program.job.url = program.job.sends ? second : first;
    program.job.file = program.job.sends ? first : second;
    if (program.job.method.empty()) {
        program.job.method = program.job.sends ? "PUT" : "GET";
    }
    const http::Result<http::Url> url = http::Url::parse(program.job.url);
    if (!url) {
        return line.complain("not a URL: " + program.job.url);
    }
    program.is_secure = url->scheme() == http::Scheme::https;
    if (program.job.file.empty()) {
        program.job.file = "-";
    }
    for (const std::string& field : program.job.fields) {
        if (field.find(':') == std::string::npos) {
            return line.complain("not a field: " + field);
        }
    }
    return std::nullopt;
}

int run(int argc, char** argv) {
    Program program;
    std::string command;
    std::string first;
    std::string second;
    CommandLine line(
        "transfer",
        "put FILE URL sends a file, or standard input for -.\n"
        "get URL [FILE] fetches one; without FILE, or for -, to standard output.\n\n"
        "Exit status: 0 complete and 2xx; 22 complete and not 2xx; 3 nothing was sent;\n"
        "4 it may have been processed; 5 truncated; 6 timed out; 7 cancelled;\n"
        "2 usage; 1 anything else.");
    line.operand("put|get", command, "what to do");
    line.operand("FILE|URL", first, "from where");
    line.optional_operand("URL|FILE", second, "to where");
    describe(line, program);
    if (const std::optional<int> status = line.parse(argc, argv)) {
        return *status;
    }
    if (const std::optional<int> status = judge(line, program, command, first, second)) {
        return *status;
    }
    std::optional<tls::ClientContext> context;
    if (program.is_secure) {
        const auto created = tls::ClientContext::create(program.tls);
        if (!created) {
            return line.complain(created.error().description());
        }
        context = *created;
    }
    block_signals(SignalSet::termination());
    return run_on_threads(1, program.backend,
                          [&](Loop& loop, unsigned) { return transfer(loop, program, context); });
}

}  // namespace
}  // namespace sluice::examples

int main(int argc, char** argv) {
    return sluice::examples::run(argc, argv);
}
