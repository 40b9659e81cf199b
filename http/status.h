// Status: the code of a response.
//
// The enumerators are those that RFC 9110 and the registry give a meaning. A peer may send any
// other code of three digits: it is kept as it came, and its class still tells how to treat it.
//
// Source:       RFC 9110 15; RFC 8297 (103); resumable uploads (104); RFC 6585; RFC 7725.

#pragma once

#include "sluice/http/method.h"

#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class Status : std::uint16_t {
    continue_ = 100,
    switching_protocols = 101,
    early_hints = 103,
    upload_resumption_supported = 104,
    ok = 200,
    created = 201,
    accepted = 202,
    non_authoritative_information = 203,
    no_content = 204,
    reset_content = 205,
    partial_content = 206,
    multiple_choices = 300,
    moved_permanently = 301,
    found = 302,
    see_other = 303,
    not_modified = 304,
    use_proxy = 305,
    temporary_redirect = 307,
    permanent_redirect = 308,
    bad_request = 400,
    unauthorized = 401,
    payment_required = 402,
    forbidden = 403,
    not_found = 404,
    method_not_allowed = 405,
    not_acceptable = 406,
    proxy_authentication_required = 407,
    request_timeout = 408,
    conflict = 409,
    gone = 410,
    length_required = 411,
    precondition_failed = 412,
    content_too_large = 413,
    uri_too_long = 414,
    unsupported_media_type = 415,
    range_not_satisfiable = 416,
    expectation_failed = 417,
    misdirected_request = 421,
    unprocessable_content = 422,
    too_early = 425,
    upgrade_required = 426,
    precondition_required = 428,
    too_many_requests = 429,
    request_header_fields_too_large = 431,
    unavailable_for_legal_reasons = 451,
    internal_server_error = 500,
    not_implemented = 501,
    bad_gateway = 502,
    service_unavailable = 503,
    gateway_timeout = 504,
    http_version_not_supported = 505,
    insufficient_storage = 507,
};

[[nodiscard]] constexpr std::uint16_t code_of(Status status) noexcept {
    return static_cast<std::uint16_t>(status);
}

// The reason phrase of the registry; empty for a code without one.
[[nodiscard]] std::string_view reason_of(Status status) noexcept;

[[nodiscard]] constexpr bool is_informational(Status status) noexcept {
    return code_of(status) >= 100 && code_of(status) < 200;
}

[[nodiscard]] constexpr bool is_successful(Status status) noexcept {
    return code_of(status) >= 200 && code_of(status) < 300;
}

[[nodiscard]] constexpr bool is_redirection(Status status) noexcept {
    return code_of(status) >= 300 && code_of(status) < 400;
}

[[nodiscard]] constexpr bool is_client_error(Status status) noexcept {
    return code_of(status) >= 400 && code_of(status) < 500;
}

// What is above 599 is invalid and treated as a server error (RFC 9110 15).
[[nodiscard]] constexpr bool is_server_error(Status status) noexcept {
    return code_of(status) >= 500;
}

// Whether the response ends with its head, whatever its fields say (RFC 9112 6.3, rules 1 and 2).
[[nodiscard]] constexpr bool may_have_content(Status status, Method request_method) noexcept {
    return request_method != Method::head && !is_informational(status) &&
           status != Status::no_content && status != Status::not_modified &&
           !(request_method == Method::connect && is_successful(status));
}

// Whether Content-Length may stand in it at all (RFC 9110 8.6).
[[nodiscard]] constexpr bool may_have_length(Status status, Method request_method) noexcept {
    return !is_informational(status) && status != Status::no_content &&
           !(request_method == Method::connect && is_successful(status));
}

}  // namespace sluice::http
