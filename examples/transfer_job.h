// TransferJob: one file up or down, as `transfer` was told to, and what became of it.
//
// A download becomes a file by its last octet or not at all: what is cut leaves nothing behind.
//
// Completion:   run() tries until an attempt is final. A retry needs what retry.h asks for: an
//               outcome that permits it, and content that can be had again.
// Cancellation: A stop ends the attempt under way; its outcome says `cancelled`.
// Threading:    The loop's thread.

#pragma once

#include "sluice/http/client.h"
#include "sluice/http/client_request.h"
#include "sluice/http/exchange.h"
#include "sluice/http/outcome.h"
#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::examples {

struct TransferOptions {
    bool sends = false;
    std::string method;
    std::string url;
    std::string file;  // "-" for standard input or output.
    std::vector<std::string> fields;
    bool chunked = false;
    bool expect_continue = false;
    std::uint64_t rate_max = 0;  // Octets a second; 0 for any.
    unsigned retries_max = 0;
};

struct TransferEnd {
    std::vector<http::Outcome> attempts;       // None if it did not get that far.
    std::optional<std::string> local_failure;  // Of the file, not of the exchange.
    std::string refusal;                       // The beginning of an answer that is not 2xx.
};

class TransferJob {
public:
    TransferJob(Loop& loop, http::Client& client, const TransferOptions& options) noexcept
        : loop_(loop), client_(client), options_(options) {}

    [[nodiscard]] Task<TransferEnd> run();

private:
    // One attempt each. No outcome: the file could not even be opened.
    [[nodiscard]] Task<std::optional<http::Outcome>> send();
    [[nodiscard]] Task<std::optional<http::Outcome>> fetch();

    [[nodiscard]] http::ClientRequest request() const;
    [[nodiscard]] Task<http::Outcome> send(http::ClientRequest request, ByteSource& source,
                                           std::optional<std::uint64_t> octets);
    [[nodiscard]] Task<> read_answer(http::Exchange& exchange);
    [[nodiscard]] Task<> store(http::Exchange& exchange, http::Response response);
    [[nodiscard]] Task<> write_to(ByteSink& sink, http::Exchange& exchange,
                                  http::Response response);
    [[nodiscard]] bool may_try_again(const http::Outcome& outcome) const noexcept;
    void fail(const Error& error);

    Loop& loop_;
    http::Client& client_;
    const TransferOptions& options_;
    TransferEnd end_;
};

}  // namespace sluice::examples
