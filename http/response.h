// Response: the final response to a client's request, from its head on.
//
// Ownership:    Names the Exchange it came from, and lives no longer; so do its views.
// Threading:    The loop's thread.
// Source:       RFC 9110 6.4, 15; RFC 9112 4, 6.3.

#pragma once

#include "sluice/http/fields.h"
#include "sluice/http/framing.h"
#include "sluice/http/status.h"
#include "sluice/runtime/byte_stream.h"

#include <string_view>

namespace sluice::http {

class ClientExchange;

class Response {
public:
    explicit Response(ClientExchange& exchange) noexcept : exchange_(&exchange) {}

    [[nodiscard]] Status status() const noexcept;
    [[nodiscard]] std::string_view reason() const noexcept;  // As received; may be empty.
    [[nodiscard]] FieldsView fields() const noexcept;
    [[nodiscard]] int version_minor() const noexcept;  // 0 or 1.

    // How the content ends; a length is what the response declared. None: there is no content.
    [[nodiscard]] Framing framing() const noexcept;

    // Lends what arrived until the next read. Its end is the end that the framing promised:
    // anything less is an error. `end_of_stream` and `reset` tell who cut it; octets_done says
    // where.
    [[nodiscard]] ByteSource& body() noexcept;

    // Once the body was read to its end. Empty if the content was not chunked.
    [[nodiscard]] FieldsView trailers() const noexcept;

private:
    ClientExchange* exchange_;
};

}  // namespace sluice::http
