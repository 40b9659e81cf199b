// Octets: the character classes and comparisons that every part of the grammar shares.
//
// Nothing here depends on a locale, and an octet above 0x7F is never a letter.
//
// Source:       RFC 5234 B.1; RFC 9110 5.5, 5.6.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

[[nodiscard]] constexpr bool is_digit(char octet) noexcept {
    return octet >= '0' && octet <= '9';
}

[[nodiscard]] constexpr bool is_alpha(char octet) noexcept {
    return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
}

[[nodiscard]] constexpr bool is_blank(char octet) noexcept {
    return octet == ' ' || octet == '\t';
}

[[nodiscard]] constexpr char to_lower(char octet) noexcept {
    return octet >= 'A' && octet <= 'Z' ? static_cast<char>(octet + ('a' - 'A')) : octet;
}

// The digit's value, or -1.
[[nodiscard]] constexpr int hex_value(char octet) noexcept {
    if (is_digit(octet)) {
        return octet - '0';
    }
    const char lower = to_lower(octet);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

inline constexpr std::array<bool, 256> token_octets = [] {
    std::array<bool, 256> table{};
    for (const char octet : std::string_view("!#$%&'*+-.^_`|~")) {
        table[static_cast<std::uint8_t>(octet)] = true;
    }
    for (std::size_t octet = 0; octet < 128; ++octet) {
        const char text = static_cast<char>(octet);
        table[octet] = table[octet] || is_digit(text) || is_alpha(text);
    }
    return table;
}();

// tchar (RFC 9110 5.6.2).
[[nodiscard]] constexpr bool is_token_octet(char octet) noexcept {
    return token_octets[static_cast<std::uint8_t>(octet)];
}

// token: at least one tchar and nothing else.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

// The index of the first octet that may not stand in a field value, npos if there is none. All
// control octets but the tab are refused; octets above 0x7F are opaque (RFC 9110 5.5).
[[nodiscard]] std::size_t find_control(std::string_view text) noexcept;

// The index of the first octet that may not stand in a request target, npos if there is none:
// blanks, control octets, octets above 0x7F, and '#', which would start a fragment.
[[nodiscard]] std::size_t find_outside_target(std::string_view text) noexcept;

[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;

// Without the blanks at both ends.
[[nodiscard]] constexpr std::string_view trim_blanks(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

// Digits alone: no sign, no blank, no overflow, at least one.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view digits) noexcept;

// Takes the next element off a comma-separated list and trims it; empty elements are passed over.
// None when the list is used up. A comma inside a quoted string separates nothing.
[[nodiscard]] std::optional<std::string_view> next_element(std::string_view& list) noexcept;

// Whether one of the list's elements is `token`, without regard to case.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token) noexcept;

[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> octets) noexcept {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

}  // namespace sluice::http
