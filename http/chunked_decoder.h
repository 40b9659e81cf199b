// ChunkedDecoder: takes the chunked transfer coding off a message's content.
//
// Pure: octets in, octets out, no I/O and no allocation. It ends behind the line of the last chunk;
// what follows is a trailer section, which has the grammar of any field section and its parser.
// It accepts what a sender may produce and nothing else, not even the blank before an extension
// that 7.1.1 tolerates: an octet that two parsers read differently is how requests are smuggled.
// llhttp 8 does not do: it takes sizes of any number of digits, and refuses a second extension.
//
// Ownership:    Keeps nothing of its input; the runs of content it returns are parts of that input.
// Errors:       chunk_malformed, chunk_extension_too_large, content_too_large; with the octet since
//               the coding began. Final: after one, no call is valid.
// Source:       RFC 9112 7.1, 7.1.1, 11.2.

#pragma once

#include "sluice/http/error.h"
#include "sluice/http/limits.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::http {

class ChunkedDecoder {
public:
    struct Step {
        std::size_t consumed = 0;            // Octets of the input that were used up.
        std::span<const std::byte> content;  // One run among them; may be empty.
        bool finished = false;               // The last chunk was seen; trailers come next.
    };

    explicit ChunkedDecoder(const Limits& limits) noexcept
        : content_octets_left_(limits.content_octets_max),
          extension_octets_left_(limits.chunk_extension_octets_max) {}

    // Decodes up to and including the first run of content, the last chunk's line, or the end of
    // `input`, whichever comes first. Call again with the rest until `finished`.
    [[nodiscard]] Result<Step> decode(std::span<const std::byte> input);

    // Octets used up so far, of coding and content.
    [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }

private:
    enum class State : std::uint8_t {
        size,             // Inside chunk-size, or before its first digit.
        extension,        // Past the semicolon that starts an extension, where its name must be.
        extension_name,   // Inside that name.
        extension_value,  // Past the equals sign, where the value must be.
        extension_token,  // Inside a value that is a token.
        extension_quote,  // Inside a value that is a quoted string.
        extension_pair,   // Past a backslash in it.
        extension_end,    // Past its closing quote.
        line_lf,          // Past the CR that ends the chunk's line.
        data,             // Inside chunk-data.
        data_cr,          // Past its last octet, where CR must follow.
        data_lf,          // Past that CR.
        finished,
        failed,
    };

    Result<void> accept(char octet);
    Result<void> accept_size(char octet);
    Result<void> accept_extension(char octet);
    [[nodiscard]] static State after_extension(State state, char octet) noexcept;
    Result<void> accept_line_end(char octet);
    Result<void> fail(Errc code);

    State state_ = State::size;
    std::uint8_t size_digits_ = 0;
    std::uint64_t chunk_octets_left_ = 0;
    std::uint64_t content_octets_left_;
    std::uint64_t extension_octets_left_;  // Of all chunks together, so that small ones add up.
    std::uint64_t octets_ = 0;
};

}  // namespace sluice::http
