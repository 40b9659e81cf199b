// Responder: how a handler answers, and learns what became of the answer.
//
// A short answer is given whole: respond() hands it over and returns, so that answers to pipelined
// requests leave together. A long one is begun with start(), which yields the sink for its content.
// Either way finish() waits for the outcome, and the handler may hold locks, permits or files until
// it has it. A handler that returns without an answer has failed: the client gets a 500.
//
// Ownership:    Content given to respond() is copied; content given to the sink stays until write()
//               completes. The Responder lives until the handler returns.
// Cancellation: When the client is gone or the server drains too long, the handler is asked to
//               stop: its waits end with `cancelled`, and it still runs to its end.
// Errors:       Writing more than was declared is refused, and finishing with less aborts. An
//               unfinished sink aborts: the connection is reset, so no client can take the response
//               for whole, unless all that was declared had been written. After an error the answer
//               cannot be mended.
// Source:       RFC 9110 6.4, 8.6, 15; RFC 9112 6, 7.1, 9.6.

#pragma once

#include "sluice/http/fields.h"
#include "sluice/http/framing.h"
#include "sluice/http/outcome.h"
#include "sluice/http/status.h"
#include "sluice/runtime/byte_stream.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

class ServerExchange;

// The content of a response: length-delimited or chunked, as it was begun.
class ResponseBody final : public ByteSink {
public:
    explicit ResponseBody(ServerExchange& exchange) noexcept : exchange_(exchange) {}
    ResponseBody(ResponseBody&&) = delete;

    Task<sluice::Result<void>> write(std::span<const std::byte> octets) override;
    // Completes when the kernel has accepted the whole response.
    Task<sluice::Result<void>> finish() override;
    void abort() noexcept override;

    // Trailers for a chunked response, to be filled before finish().
    [[nodiscard]] Fields& trailers() noexcept;

private:
    ServerExchange& exchange_;
};

class Responder {
public:
    explicit Responder(ServerExchange& exchange) noexcept : exchange_(exchange), body_(exchange) {}
    Responder(Responder&&) = delete;

    // The fields of the response to come, to be filled before it is begun. Date and what frames the
    // message or rules the connection are the library's.
    [[nodiscard]] Fields& fields() noexcept;

    // Answers with a whole response. One answer a request.
    void respond(Status status, std::string_view content = {});

    // Begins a response whose content is written to the sink: `length` octets, or as many as come.
    // To HEAD the sink takes everything and sends nothing.
    ByteSink& start(Status status, std::optional<std::uint64_t> length = std::nullopt);

    // An interim response: 103 (Early Hints) and its kind, before the final one. Uses up fields().
    void interim(Status status);

    // respond(), and waits for the outcome.
    Task<Outcome> send(Status status, std::string_view content = {});

    // Waits until the response is as delivered as `level` says, kernel or acknowledged, or has
    // failed, and yields the record of the exchange. Of a sink that is unfinished: finishes it.
    Task<Outcome> finish(DeliveryLevel level = DeliveryLevel::kernel);

    // Asks for the connection to be closed after this response.
    void close_connection() noexcept;

    // Whether a final response was begun.
    [[nodiscard]] bool started() const noexcept;

    // Whether the client is known to be gone.
    [[nodiscard]] bool client_gone() const noexcept;

    [[nodiscard]] ResponseBody& body() noexcept { return body_; }

private:
    ServerExchange& exchange_;
    ResponseBody body_;
};

}  // namespace sluice::http
