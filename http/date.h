// Date: points in time as HTTP writes them.
//
// Dates are made from seconds since 1970 that the caller gives, never from a clock read here, so
// that a simulated clock rules them too.
//
// Ownership:    A text from DateCache lives until its next call.
// Source:       RFC 9110 5.6.7.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

inline constexpr std::size_t date_octets = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// IMF-fixdate. The years 0 to 9999 can be written; others are taken for the nearest of them.
std::string_view write_date(std::int64_t unix_seconds, std::span<char, date_octets> out) noexcept;

// Reads IMF-fixdate and the two obsolete formats; RFC 850's two digits mean a year at most 50 years
// after `now_unix_seconds`. None for all else.
[[nodiscard]] std::optional<std::int64_t> parse_date(std::string_view text,
                                                     std::int64_t now_unix_seconds) noexcept;

// Formats once a second, however often it is asked.
class DateCache {
public:
    std::string_view at(std::int64_t unix_seconds) noexcept {
        if (unix_seconds != unix_seconds_ || !filled_) {
            write_date(unix_seconds, text_);
            unix_seconds_ = unix_seconds;
            filled_ = true;
        }
        return {text_.data(), text_.size()};
    }

private:
    std::int64_t unix_seconds_ = 0;
    bool filled_ = false;
    std::array<char, date_octets> text_{};
};

}  // namespace sluice::http
