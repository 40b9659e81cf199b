// Octets: the character classes and comparisons that every part of the grammar shares.
//
// Nothing here depends on a locale, and an octet above 0x7F is never a letter.
//
// Source:       RFC 5234 B.1; RFC 9110 5.5, 5.6.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

inline constexpr std::string_view line_end = "\r\n";

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

// token: at least one tchar and nothing else. Names are short and nearly always right: no early
// end.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    bool all = !text.empty();
    for (const char octet : text) {
        all &= is_token_octet(octet);
    }
    return all;
}

// --- Eight octets at once, as a word ---

inline constexpr std::size_t word_octets = sizeof(std::uint64_t);

[[nodiscard]] inline std::uint64_t load_word(const char* from) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

// One to eight octets as a word of which every octet is one of theirs, and none of them is missing.
// Two texts of one size are equal exactly if their words are.
[[nodiscard]] inline std::uint64_t gather_word(std::string_view text) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    if (text.size() >= sizeof(std::uint32_t)) {
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        std::memcpy(&first, begin, sizeof first);
        std::memcpy(&last, end - sizeof last, sizeof last);
        return first | std::uint64_t{last} << 32;
    }
    const auto octet = [](char value) {
        return static_cast<std::uint64_t>(static_cast<std::uint8_t>(value));
    };
    const char middle = begin[text.size() / 2];
    return octet(*begin) * 0x0101010101000001u | octet(middle) << 8 | octet(end[-1]) << 16;
}

// With capitals made small.
[[nodiscard]] constexpr std::uint64_t fold_word(std::uint64_t word) noexcept {
    constexpr std::uint64_t every = 0x0101010101010101u;
    constexpr std::uint64_t high_bits = every * 0x80;
    const std::uint64_t low = word & ~high_bits;
    const std::uint64_t from_a = low + every * (0x80 - 'A');
    const std::uint64_t past_z = low + every * (0x80 - 'Z' - 1);
    const std::uint64_t capital = from_a & ~past_z & ~word & high_bits;
    return word | capital >> 2;
}

static_assert(fold_word(0x40415a5b60617ac1) == 0x40617a5b60617ac1);

// The tests of eight octets at once. Each is zero exactly if no octet is meant.
[[nodiscard]] constexpr std::uint64_t every_octet(std::uint8_t octet) noexcept {
    return octet * 0x0101010101010101u;
}

[[nodiscard]] constexpr std::uint64_t octets_below(std::uint64_t word,
                                                   std::uint8_t bound) noexcept {
    return (word - every_octet(bound)) & ~word & every_octet(0x80);
}

[[nodiscard]] constexpr std::uint64_t octets_equal(std::uint64_t word,
                                                   std::uint8_t octet) noexcept {
    return octets_below(word ^ every_octet(octet), 1);
}

static_assert(octets_below(every_octet(0x20), 0x20) == 0);
static_assert(octets_below(0x2020202020201f20, 0x20) != 0);
static_assert(octets_equal(every_octet('a'), 'b') == 0);
static_assert(octets_equal(0x6161616161626161, 'b') != 0);

// Whether `may_be_bad` is zero for all words of the text. The last word overlaps the one before it.
template <typename Word>
[[nodiscard]] bool all_words_good(std::string_view text, Word may_be_bad) noexcept {
    if (text.size() <= word_octets) {
        return text.empty() || may_be_bad(gather_word(text)) == 0;
    }
    std::uint64_t bad = may_be_bad(load_word(text.data() + text.size() - word_octets));
    for (std::size_t index = 0; index + word_octets < text.size(); index += word_octets) {
        bad |= may_be_bad(load_word(text.data() + index));
    }
    return bad == 0;
}

[[nodiscard]] std::size_t find_control_octet(std::string_view text) noexcept;
[[nodiscard]] std::size_t find_octet_outside_target(std::string_view text) noexcept;

// The index of the first octet that may not stand in a field value, npos if there is none. All
// control octets but the tab are refused; octets above 0x7F are opaque (RFC 9110 5.5). Nearly
// always there is none, which words tell; octets are looked at only where words do not.
[[nodiscard]] inline std::size_t find_control(std::string_view text) noexcept {
    const auto may_be_control = [](std::uint64_t word) {
        return octets_below(word, 0x20) | octets_equal(word, 0x7f);
    };
    return all_words_good(text, may_be_control) ? std::string_view::npos : find_control_octet(text);
}

// The index of the first octet that may not stand in a request target, npos if there is none:
// blanks, control octets, octets above 0x7F, and '#', which would start a fragment.
[[nodiscard]] inline std::size_t find_outside_target(std::string_view text) noexcept {
    const auto may_be_outside = [](std::uint64_t word) {
        return octets_below(word, 0x21) | octets_equal(word, 0x7f) | octets_equal(word, '#') |
               (word & every_octet(0x80));
    };
    return all_words_good(text, may_be_outside) ? std::string_view::npos
                                                : find_octet_outside_target(text);
}

[[nodiscard]] bool equal_long_ignoring_case(std::string_view left, std::string_view right) noexcept;

[[nodiscard]] inline bool equal_ignoring_case(std::string_view left,
                                              std::string_view right) noexcept {
    if (left.size() != right.size()) {
        return false;
    }
    if (left.size() > word_octets) {
        return equal_long_ignoring_case(left, right);
    }
    return left.empty() || fold_word(gather_word(left)) == fold_word(gather_word(right));
}

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
