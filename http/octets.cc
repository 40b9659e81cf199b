#include "sluice/http/octets.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace sluice::http {

namespace {

constexpr bool is_control(char octet) {
    const auto value = static_cast<std::uint8_t>(octet);
    return (value < 0x20 && octet != '\t') || value == 0x7f;
}

constexpr bool is_outside_target(char octet) {
    const auto value = static_cast<std::uint8_t>(octet);
    return value <= 0x20 || value >= 0x7f || octet == '#';
}

template <typename Octet>
std::size_t find_octet(std::string_view text, Octet is_bad) {
    const auto found = std::find_if(text.begin(), text.end(), is_bad);
    return found == text.end() ? std::string_view::npos
                               : static_cast<std::size_t>(found - text.begin());
}

}  // namespace

std::size_t find_control_octet(std::string_view text) noexcept {
    return find_octet(text, is_control);
}

std::size_t find_octet_outside_target(std::string_view text) noexcept {
    return find_octet(text, is_outside_target);
}

bool equal_long_ignoring_case(std::string_view left, std::string_view right) noexcept {
    const auto equal_at = [&](std::size_t index) {
        return fold_word(load_word(left.data() + index)) ==
               fold_word(load_word(right.data() + index));
    };
    for (std::size_t index = 0; index + word_octets < left.size(); index += word_octets) {
        if (!equal_at(index)) {
            return false;
        }
    }
    return equal_at(left.size() - word_octets);
}

std::optional<std::uint64_t> parse_decimal(std::string_view digits) noexcept {
    constexpr std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    if (digits.empty()) {
        return std::nullopt;
    }
    constexpr std::size_t digits_without_overflow = 19;
    const bool may_overflow = digits.size() > digits_without_overflow;
    std::uint64_t number = 0;
    for (const char octet : digits) {
        if (!is_digit(octet)) {
            return std::nullopt;
        }
        const auto digit = static_cast<std::uint64_t>(octet - '0');
        if (may_overflow && number > (max - digit) / 10) {
            return std::nullopt;
        }
        number = number * 10 + digit;
    }
    return number;
}

std::optional<std::string_view> next_element(std::string_view& list) noexcept {
    while (!list.empty()) {
        std::size_t end = 0;
        bool quoted = false;
        for (; end < list.size() && (quoted || list[end] != ','); ++end) {
            if (list[end] == '"') {
                quoted = !quoted;
            } else if (quoted && list[end] == '\\' && end + 1 < list.size()) {
                ++end;
            }
        }
        const std::string_view element = trim_blanks(list.substr(0, end));
        list.remove_prefix(end < list.size() ? end + 1 : end);
        if (!element.empty()) {
            return element;
        }
    }
    return std::nullopt;
}

bool list_has_token(std::string_view list, std::string_view token) noexcept {
    while (const std::optional<std::string_view> element = next_element(list)) {
        if (equal_ignoring_case(*element, token)) {
            return true;
        }
    }
    return false;
}

}  // namespace sluice::http
