// Ranges: a part of a representation, as asked for and as given.
//
// One range is served; a request for several is answered with the whole, which is always allowed.
//
// Units:        Octets; `first` and `last` are both inside.
// Source:       RFC 9110 14.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    [[nodiscard]] constexpr std::uint64_t octets() const noexcept { return last - first + 1; }
    friend constexpr bool operator==(const ByteRange&, const ByteRange&) noexcept = default;
};

struct RangeRequest {
    enum class Kind : std::uint8_t {
        whole,          // No Range, or one to ignore: malformed, another unit, several ranges. 200.
        part,           // `range`, cut to the size. 206.
        unsatisfiable,  // Nothing of it exists. 416.
    };
    Kind kind = Kind::whole;
    ByteRange range;

    friend constexpr bool operator==(const RangeRequest&, const RangeRequest&) noexcept = default;
};

// What a Range field asks of a representation of `size` octets.
[[nodiscard]] RangeRequest parse_range(std::string_view value, std::uint64_t size) noexcept;

struct ContentRange {
    std::optional<ByteRange> range;     // None: "bytes */size", as in a 416.
    std::optional<std::uint64_t> size;  // None: "bytes first-last/*".

    friend constexpr bool operator==(const ContentRange&, const ContentRange&) noexcept = default;
};

// None for what is malformed or names another unit.
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view value) noexcept;

inline constexpr std::size_t content_range_octets_max = 68;

// The value of a Content-Range field; the text is a prefix of `out`.
std::string_view write_content_range(const ContentRange& content_range,
                                     std::span<char, content_range_octets_max> out) noexcept;

}  // namespace sluice::http
