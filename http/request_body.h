// RequestBody: the content of a request, as its handler reads it.
//
// The first read is what sends 100 (Continue) to a client that waits for it: a handler that answers
// without reading never invites content that it does not want.
//
// Ownership:    What read() yields lies in the connection's receive buffer until the next read.
// Errors:       end_of_stream or reset: the client went with octets_done of the content here.
//               timed_out: no octet for content_pause_max. limit_exceeded: more than
//               content_octets_max. invalid: the chunked coding is broken.
// Source:       RFC 9112 6, 7.1; RFC 9110 10.1.1.

#pragma once

#include "sluice/http/fields.h"
#include "sluice/http/framing.h"
#include "sluice/runtime/byte_stream.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::http {

class ServerExchange;

class RequestBody final : public ByteSource {
public:
    explicit RequestBody(ServerExchange& exchange) noexcept : exchange_(exchange) {}
    RequestBody(RequestBody&&) = delete;

    Task<sluice::Result<std::span<const std::byte>>> read() override;

    // Octets of content, if the client declared them.
    [[nodiscard]] std::optional<std::uint64_t> declared() const noexcept;

    // Whether the end was seen: nothing is left to read. True at once where there is no content.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

    // After the end of a chunked body; empty before, and otherwise.
    [[nodiscard]] FieldsView trailers() const noexcept;

private:
    friend class ServerExchange;

    void begin(const Framing& framing) noexcept;
    void fail(sluice::Error error) noexcept { error_ = error; }
    // What of the input in hand is content. None: more input is needed.
    [[nodiscard]] sluice::Result<std::optional<std::span<const std::byte>>> decode() noexcept;

    ServerExchange& exchange_;
    Framing framing_;
    std::uint64_t length_left_ = 0;
    bool ended_ = true;
    std::optional<sluice::Error> error_;
};

}  // namespace sluice::http
