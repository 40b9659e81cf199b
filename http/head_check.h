// HeadCheck: holds a head, and the fields that a parser named in it, against the grammar.
//
// A parser may pass over an octet without telling: a bare LF, a folded line, a blank too many. Here
// the parts, joined by the only separators that a sender may use, must be the head again, octet for
// octet. What is left over anywhere is an error, whoever thought that it could be skipped.
//
// Errors:       head_malformed, target_malformed or version_unsupported, with the octet.
// Source:       RFC 9112 2.2, 3, 4, 5.

#pragma once

#include "sluice/http/error.h"
#include "sluice/http/fields.h"
#include "sluice/http/method.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::http {

// The four forms of a request target (RFC 9112 3.2).
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

// A part of the head: `octets` of them, the first at `offset`.
struct Part {
    std::uint32_t offset = 0;
    std::uint32_t octets = 0;

    [[nodiscard]] constexpr std::size_t end() const noexcept {
        return std::size_t{offset} + octets;
    }
    [[nodiscard]] constexpr std::string_view in(const char* base) const noexcept {
        return {base + offset, octets};
    }
};

inline constexpr std::size_t version_octets = 8;  // "HTTP/1.1"

struct RequestLine {
    Part method;
    Part target;
    std::size_t end = 0;  // Behind its CRLF.
    std::uint8_t version_minor = 0;
};

// `begin` is where the request line must start.
[[nodiscard]] Result<RequestLine> read_request_line(std::string_view head, std::size_t begin);

struct StatusLine {
    Part reason;
    std::size_t end = 0;  // Behind its CRLF.
    std::uint8_t version_minor = 0;
};

[[nodiscard]] Result<StatusLine> read_status_line(std::string_view head);

// The field lines and the empty line from `begin` to the end of `section`. Takes the blanks off the
// values in `lines`.
[[nodiscard]] Result<void> check_field_section(std::string_view section, std::size_t begin,
                                               std::span<FieldLine> lines);

// Which form the target has; it must be one that the method allows.
[[nodiscard]] Result<TargetForm> target_form_of(std::string_view target, Method method) noexcept;

// Of a target in absolute form.
[[nodiscard]] std::string_view authority_of(std::string_view absolute_target) noexcept;

}  // namespace sluice::http
