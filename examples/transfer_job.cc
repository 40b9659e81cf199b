#include "sluice/examples/transfer_job.h"

#include "sluice/examples/progress_bar.h"
#include "sluice/http/retry.h"
#include "sluice/runtime/atomic_file.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/descriptor_stream.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/rate_limited.h"
#include "sluice/runtime/scope.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace sluice::examples {

namespace {

constexpr std::size_t read_octets_max = 256 * 1024;
constexpr std::size_t refusal_octets_max = 1024;
constexpr Duration first_pause = std::chrono::milliseconds(500);
constexpr Duration pause_max = std::chrono::seconds(8);

// What a file cannot replace, as /dev/null or a pipe, is written to as it is.
bool is_special(const std::string& path) {
    struct stat told{};
    return ::stat(path.c_str(), &told) == 0 && !S_ISREG(told.st_mode);
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

}  // namespace

Task<TransferEnd> TransferJob::run() {
    Duration pause = first_pause;
    while (true) {
        end_.refusal.clear();
        Task<std::optional<http::Outcome>> attempt = options_.sends ? send() : fetch();
        std::optional<http::Outcome> outcome = co_await attempt;
        if (!outcome) {
            break;
        }
        outcome->attempt = static_cast<std::uint8_t>(std::min<std::size_t>(
            end_.attempts.size() + 1, std::numeric_limits<std::uint8_t>::max()));
        end_.attempts.push_back(*outcome);
        if (end_.local_failure || !may_try_again(*outcome)) {
            break;
        }
        const bool passed = co_await sleep_for(pause);
        if (!passed) {
            break;
        }
        pause = std::min(pause * 2, pause_max);
    }
    co_return std::move(end_);
}

bool TransferJob::may_try_again(const http::Outcome& outcome) const noexcept {
    http::RetryTerms terms;
    terms.method = http::method_of(options_.method);
    terms.attempts_left =
        options_.retries_max + 1 - static_cast<std::uint32_t>(end_.attempts.size());
    terms.believes_408 = true;
    terms.content = http::Replayable::factory;
    const std::uint64_t passed_on =
        options_.sends ? outcome.send.body_offered : outcome.receive.body;
    if (options_.file == "-" && passed_on > 0) {
        return false;
    }
    return http::may_retry(outcome, terms);
}

void TransferJob::fail(const Error& error) {
    end_.local_failure = options_.file + ": " + describe(error);
}

http::ClientRequest TransferJob::request() const {
    http::ClientRequest request(options_.method, options_.url);
    for (const std::string_view field : options_.fields) {
        const std::size_t colon = std::min(field.find(':'), field.size() - 1);
        request.field(field.substr(0, colon), trimmed(field.substr(colon + 1)));
    }
    return request;
}

Task<std::optional<http::Outcome>> TransferJob::send() {
    if (options_.file == "-") {
        DescriptorSource source(STDIN_FILENO, read_octets_max);
        const http::Outcome outcome = co_await send(request().chunked(), source, std::nullopt);
        co_return outcome;
    }
    const Result<File> file = co_await File::open_to_read(options_.file);
    if (!file) {
        fail(file.error());
        co_return std::nullopt;
    }
    const Result<FileStatus> status = co_await file->status();
    if (!status) {
        fail(status.error());
        co_return std::nullopt;
    }
    http::ClientRequest request = this->request();
    if (!status->is_regular) {
        DescriptorSource source(file->descriptor(), read_octets_max);
        const http::Outcome outcome = co_await send(request.chunked(), source, std::nullopt);
        co_return outcome;
    }
    if (options_.chunked) {
        request.chunked();
    } else {
        request.length(status->octets);
    }
    FileSource source(*file, {0, status->octets}, read_octets_max);
    const http::Outcome outcome = co_await send(std::move(request), source, status->octets);
    co_return outcome;
}

Task<http::Outcome> TransferJob::send(http::ClientRequest request, ByteSource& source,
                                      std::optional<std::uint64_t> octets) {
    const Context context = co_await this_task();
    if (options_.expect_continue) {
        request.expect_continue();
    }
    http::Exchange exchange = client_.begin(request);
    // Read while the content is written: a server may refuse early, or echo.
    Running<void> answering(context, read_answer(exchange));
    ProgressBar bar(loop_, octets);
    ProgressSource progress(source, bar);
    RateLimitedSource slowed(progress, std::max<std::uint64_t>(options_.rate_max, 1));
    ByteSource& content = options_.rate_max > 0 ? static_cast<ByteSource&>(slowed) : progress;
    Passage passage;
    const Result<std::uint64_t> sent = co_await forward(content, exchange.body(), passage);
    if (!sent && passage.failed == Side::source && sent.error().code != Errc::cancelled) {
        fail(sent.error());
    }
    co_await answering.join();
    answering.take();
    const http::Outcome outcome = co_await exchange.outcome();
    co_return outcome;
}

// Of an answer to an upload, or a refusal, only the beginning is of interest.
Task<> TransferJob::read_answer(http::Exchange& exchange) {
    Result<http::Response> response = co_await exchange.response();
    if (!response) {
        co_return;
    }
    const bool refused = !http::is_successful(response->status());
    while (true) {
        const Result<std::span<const std::byte>> octets = co_await response->body().read();
        if (!octets || octets->empty()) {
            co_return;
        }
        if (refused) {
            const std::size_t room = refusal_octets_max - end_.refusal.size();
            end_.refusal.append(reinterpret_cast<const char*>(octets->data()),
                                std::min(octets->size(), room));
        }
    }
}

Task<std::optional<http::Outcome>> TransferJob::fetch() {
    http::Exchange exchange = client_.begin(request());
    const Result<http::Response> response = co_await exchange.response();
    if (response && http::is_successful(response->status())) {
        co_await store(exchange, *response);
    } else {
        co_await read_answer(exchange);
    }
    const http::Outcome outcome = co_await exchange.outcome();
    co_return outcome;
}

Task<> TransferJob::store(http::Exchange& exchange, http::Response response) {
    if (options_.file == "-") {
        DescriptorSink sink(STDOUT_FILENO);
        co_await write_to(sink, exchange, response);
    } else if (is_special(options_.file)) {
        const Result<File> file = co_await File::open(options_.file, O_WRONLY);
        if (!file) {
            fail(file.error());
            exchange.abort(http::Mechanism::sink_error);
            co_return;
        }
        DescriptorSink sink(file->descriptor());
        co_await write_to(sink, exchange, response);
    } else {
        AtomicFile sink(options_.file);
        co_await write_to(sink, exchange, response);
    }
}

Task<> TransferJob::write_to(ByteSink& sink, http::Exchange& exchange, http::Response response) {
    const http::Framing framing = response.framing();
    const bool has_length = framing.kind == http::Framing::Kind::length;
    ProgressBar bar(loop_, has_length ? std::optional(framing.length) : std::nullopt);
    ProgressSource progress(response.body(), bar);
    RateLimitedSource slowed(progress, std::max<std::uint64_t>(options_.rate_max, 1));
    ByteSource& content = options_.rate_max > 0 ? static_cast<ByteSource&>(slowed) : progress;
    Passage passage;
    const Result<std::uint64_t> written = co_await forward(content, sink, passage);
    if (!written && passage.failed == Side::sink && written.error().code != Errc::cancelled) {
        fail(written.error());
        exchange.abort(http::Mechanism::sink_error);
    }
}

}  // namespace sluice::examples
