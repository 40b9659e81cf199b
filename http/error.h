// Error: everything that can go wrong with a message, as one small value.
//
// One enumerator for each thing that a caller, a peer or a log reader would treat differently.
// `octet` says where: the offset from the first octet of the head, or of the content's framing for
// errors in the chunked coding and its trailers.

#pragma once

#include "sluice/http/status.h"
#include "sluice/runtime/error.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace sluice::http {

enum class Errc : std::uint8_t {
    transport,                    // Reading or writing failed: see `cause`.
    message_truncated,            // The stream ended inside a message (RFC 9112 8).
    head_malformed,               // RFC 9112 2.2, 3, 4 and 5.
    head_too_large,               // Limits::head_octets_max.
    target_malformed,             // None of the four forms, or not the method's (RFC 9112 3.2).
    target_too_long,              // Limits::target_octets_max.
    method_unknown,               // Not in the parser's registry (RFC 9110 9.1).
    version_unsupported,          // Neither HTTP/1.0 nor HTTP/1.1.
    fields_too_many,              // Limits::fields_max.
    host_invalid,                 // Missing, repeated or malformed Host (RFC 9112 3.2).
    length_malformed,             // Content-Length is not one number of 64 bits (RFC 9110 8.6).
    framing_ambiguous,            // More than one content length could be meant (RFC 9112 6.3).
    transfer_coding_unsupported,  // A coding other than chunked (RFC 9112 6.1).
    expectation_failed,           // Expect names something other than 100-continue.
    content_too_large,            // Limits::content_octets_max.
    chunk_malformed,              // RFC 9112 7.1.
    chunk_extension_too_large,    // Limits::chunk_extension_octets_max (RFC 9112 7.1.1).
    trailers_malformed,           // RFC 9112 7.1.2.
    trailers_too_large,           // Limits::trailer_octets_max or fields_max.
    field_invalid,                // A name or value that we will not send (RFC 9110 5.1, 5.5).
    field_reserved,               // A field that the library itself writes: see Fields.
    url_malformed,                // Not an absolute http or https URL without user information.
};

struct Error {
    Errc code;
    std::uint64_t octet = 0;  // Where in the message, as far as that makes sense for `code`.
    sluice::Error cause{};    // Meaningful only when code is Errc::transport.

    // A caller treats two errors alike when their codes are equal.
    friend constexpr bool operator==(const Error& left, const Error& right) noexcept {
        return left.code == right.code;
    }
};

template <typename T>
using Result = std::expected<T, Error>;

// The response a server owes a request that failed so; none where nothing can be answered.
[[nodiscard]] std::optional<Status> status_of(Errc code) noexcept;

// The enumerator's name in words, for logs. Its wording is not part of the interface.
[[nodiscard]] std::string_view describe(Errc code) noexcept;

}  // namespace sluice::http
