// HeadWriter: puts request and response heads, and the chunked coding, into octets.
//
// What frames a message is written from its facts: a Framing, a Connection, a host. A Fields cannot
// hold those names, nor an octet that ends a line, so a head cannot be framed twice or injected.
//
// Ownership:    Nothing is allocated: callers ask for the size and hand in that many octets.
// Errors:       None. What may not be written never gets into the structures below, except the
//               target, host and method text, which are the caller's to check (Url does).
// Source:       RFC 9112 3, 4, 5, 6, 7.1; RFC 9110 6.6.1, 8.6.

#pragma once

#include "sluice/http/fields.h"
#include "sluice/http/framing.h"
#include "sluice/http/method.h"
#include "sluice/http/status.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::http {

// What the head says about the connection's future.
enum class Connection : std::uint8_t {
    unsaid,      // HTTP/1.1 persists without a word.
    close,       // The last message in this direction.
    keep_alive,  // For a peer that speaks HTTP/1.0.
    upgrade,     // Names the protocols of `upgrade` in an Upgrade field.
};

struct RequestHead {
    Method method = Method::get;
    std::string_view method_text{};  // Used only for Method::other; a token.
    std::string_view target{};       // As it goes on the wire, in the form the method needs.
    std::string_view host{};         // The value of Host.
    Framing framing{};               // none, length or chunked.
    Connection connection = Connection::unsaid;
    bool expect_continue = false;
    std::string_view upgrade{};      // For Connection::upgrade; tokens, perhaps with versions.
    const Fields* fields = nullptr;  // May be absent.
};

struct ResponseHead {
    Status status = Status::ok;
    // none writes no framing field; a response that must have no Content-Length gets none anyway,
    // and one to HEAD keeps it. close writes none: say Connection::close with it.
    Framing framing{};
    Method request_method = Method::get;
    Connection connection = Connection::unsaid;
    std::string_view upgrade{};      // For Connection::upgrade.
    std::string_view date{};         // IMF-fixdate; empty, or a Date among the fields: not written.
    const Fields* fields = nullptr;  // May be absent.
};

// Exactly as many octets as write_head will write.
[[nodiscard]] std::size_t octets_of(const RequestHead& head) noexcept;
[[nodiscard]] std::size_t octets_of(const ResponseHead& head) noexcept;

// At least octets_of(head), and quicker to know.
[[nodiscard]] std::size_t octets_max_of(const ResponseHead& head) noexcept;

// Writes the head with the empty line that ends it; `out` holds at least octets_of(head). Returns
// how many were written.
std::size_t write_head(const RequestHead& head, std::span<char> out) noexcept;
std::size_t write_head(const ResponseHead& head, std::span<char> out) noexcept;

// The same, at the end of a string that grows.
void append_head(const RequestHead& head, std::string& out);
void append_head(const ResponseHead& head, std::string& out);

// "HTTP/1.1 100 Continue" and its empty line, ready to send.
inline constexpr std::string_view continue_head = "HTTP/1.1 100 Continue\r\n\r\n";

// --- The chunked coding: chunk_head, the chunk's octets, chunk_end; at last a last_chunk. ---

inline constexpr std::size_t chunk_head_octets_max = 18;  // 16 digits and CRLF.
inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";  // Without trailers.

// The line before a chunk of `octets`, which is not 0: that would be the last chunk. The text is a
// prefix of `out`.
std::string_view chunk_head(std::uint64_t octets,
                            std::span<char, chunk_head_octets_max> out) noexcept;

// The last chunk with trailers behind it.
[[nodiscard]] std::size_t last_chunk_octets(const Fields& trailers) noexcept;
std::size_t write_last_chunk(const Fields& trailers, std::span<char> out) noexcept;

}  // namespace sluice::http
