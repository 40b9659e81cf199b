// Exchange: one request of a client on its way, and its response, each as soon as it can be had.
//
// The response can be awaited while the content is still being written, since servers answer early;
// and after a write has failed, since what they answered can still be read then. outcome() ends the
// exchange and tells what became of it.
//
// Ownership:    A handle. It must be gone before its Client is. Destroying it unfinished aborts the
//               exchange: the connection is reset, and its record goes to the client's observer.
// Completion:   outcome() completes once all that the exchange had in flight has ended.
// Cancellation: A stop of response(), of a read or of a write aborts the exchange; outcome() still
//               yields its record then.
// Errors:       response() and the streams say why in the words of sluice::Error; the whole truth
//               is in the outcome. A write fails with `aborted` when the answer has made it
//               pointless.
// Threading:    The loop's thread. One task may write while another waits for the response, reads
//               it, or waits for the outcome.
// Source:       RFC 9110 10.1.1, 15; RFC 9112 9.3, 9.5.

#pragma once

#include "sluice/http/cause.h"
#include "sluice/http/error.h"
#include "sluice/http/fields.h"
#include "sluice/http/outcome.h"
#include "sluice/http/response.h"
#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <optional>
#include <span>
#include <utility>

namespace sluice::http {

class ClientExchange;

class [[nodiscard]] Exchange {
public:
    explicit Exchange(ClientExchange& exchange) noexcept : exchange_(&exchange) {}
    Exchange(Exchange&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {}
    Exchange& operator=(Exchange&& other) noexcept;
    ~Exchange();

    // Takes the request's content, if it was to have any: as much as was declared. To write more is
    // refused, and to finish with less fails; both reset the connection. finish() completes when
    // the kernel has accepted the whole request. An unfinished body never looks finished to the
    // server, unless all that was declared had been written: an answer to that completes it.
    [[nodiscard]] ByteSink& body() noexcept;

    // Trailers of a chunked request, to be filled before its body is finished.
    [[nodiscard]] Fields& trailers() noexcept;

    // The final response, from its head on. May be asked for again.
    [[nodiscard]] Task<sluice::Result<Response>> response();

    // Ends the exchange. Response content that was not read is read and dropped, within the
    // client's limit; beyond it the connection is reset. A request left unfinished has failed. May
    // be asked again.
    [[nodiscard]] Task<Outcome> outcome();

    // Gives up, at once. `why` says whose failure it was: cancelled, source_error, sink_error.
    void abort(Mechanism why = Mechanism::cancelled) noexcept;

    // The record as it is now; its counters move while the exchange is under way.
    [[nodiscard]] const Outcome& so_far() const noexcept;

    // All attempts at the request, in order, once it has ended; the last is its outcome.
    [[nodiscard]] std::span<const Outcome> attempts() const noexcept;

    // What was wrong with the request, if it was refused, or with the response, if it was
    // malformed.
    [[nodiscard]] const std::optional<Error>& message_error() const noexcept;

private:
    void let_go() noexcept;

    ClientExchange* exchange_;
};

}  // namespace sluice::http
