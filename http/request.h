// Request: what a client asks for, as a handler sees it.
//
// Ownership:    Views live until the handler returns; content is lent piece by piece (RequestBody).
// Threading:    The loop's thread.
// Source:       RFC 9110 6, 9; RFC 9112 3.

#pragma once

#include "sluice/http/fields.h"
#include "sluice/http/method.h"
#include "sluice/http/request_body.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/security.h"

#include <cstdint>
#include <string_view>

namespace sluice::http {

class MessageParser;
class ServerExchange;

class Request {
public:
    explicit Request(ServerExchange& exchange) noexcept;
    Request(Request&&) = delete;

    [[nodiscard]] Method method() const noexcept;
    [[nodiscard]] std::string_view method_text() const noexcept;

    // As received: origin form, absolute form, or "*".
    [[nodiscard]] std::string_view target() const noexcept;
    // Of the target: without scheme and authority, before and after the first '?'. Not decoded.
    [[nodiscard]] std::string_view path() const noexcept;
    [[nodiscard]] std::string_view query() const noexcept;
    // Host and port that the request is for. May be empty in HTTP/1.0.
    [[nodiscard]] std::string_view authority() const noexcept;

    [[nodiscard]] FieldsView fields() const noexcept;
    [[nodiscard]] int version_minor() const noexcept;  // 0 or 1.
    [[nodiscard]] bool expects_continue() const noexcept;
    [[nodiscard]] const Endpoint& peer() const noexcept;
    // What TLS knows of the connection, its client's certificate if it was asked for one; null
    // where there is no TLS.
    [[nodiscard]] const SecurityFacts* security() const noexcept;
    // The same as in the exchange's Outcome, so that what an observer is told can be matched.
    [[nodiscard]] std::uint64_t exchange_id() const noexcept;

    [[nodiscard]] RequestBody& body() noexcept { return body_; }
    [[nodiscard]] const RequestBody& body() const noexcept { return body_; }

private:
    [[nodiscard]] const MessageParser& parser() const noexcept;

    ServerExchange& exchange_;
    RequestBody body_;
};

}  // namespace sluice::http
