#include "sluice/http/octets.h"

#include <cstring>
#include <limits>

namespace sluice::http {

namespace {

constexpr std::uint64_t every(std::uint8_t octet) {
    return octet * 0x0101010101010101u;
}

constexpr std::uint64_t high_bits = every(0x80);

// The tests of eight octets at once. Each is zero exactly if no octet is meant.
constexpr std::uint64_t below(std::uint64_t word, std::uint8_t bound) {
    return (word - every(bound)) & ~word & high_bits;
}

constexpr std::uint64_t equal(std::uint64_t word, std::uint8_t octet) {
    return below(word ^ every(octet), 1);
}

static_assert(below(every(0x20), 0x20) == 0);
static_assert(below(0x2020202020201f20, 0x20) != 0);
static_assert(equal(every('a'), 'b') == 0);
static_assert(equal(0x6161616161626161, 'b') != 0);

std::uint64_t load(const char* from) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

constexpr std::uint64_t fold(std::uint64_t word) {
    const std::uint64_t low = word & ~high_bits;
    const std::uint64_t from_a = low + every(0x80 - 'A');
    const std::uint64_t past_z = low + every(0x80 - 'Z' - 1);
    const std::uint64_t capital = from_a & ~past_z & ~word & high_bits;
    return word | capital >> 2;
}

static_assert(fold(0x40415a5b60617ac1) == 0x40617a5b60617ac1);

constexpr bool is_control(char octet) {
    const auto value = static_cast<std::uint8_t>(octet);
    return (value < 0x20 && octet != '\t') || value == 0x7f;
}

constexpr bool is_outside_target(char octet) {
    const auto value = static_cast<std::uint8_t>(octet);
    return value <= 0x20 || value >= 0x7f || octet == '#';
}

constexpr std::array<bool, 256> token_octets = [] {
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

// Finds the first octet that `is_bad`, skipping eight at a time those where `may_be_bad` is zero.
template <typename Word, typename Octet>
std::size_t find_octet(std::string_view text, Word may_be_bad, Octet is_bad) {
    std::size_t index = 0;
    while (text.size() - index >= sizeof(std::uint64_t)) {
        if (may_be_bad(load(text.data() + index)) == 0) {
            index += sizeof(std::uint64_t);
            continue;
        }
        for (const std::size_t end = index + sizeof(std::uint64_t); index < end; ++index) {
            if (is_bad(text[index])) {
                return index;
            }
        }
    }
    if (text.size() >= sizeof(std::uint64_t)) {
        // The last word overlaps the one before it, which is cheaper than single octets.
        const std::size_t last = text.size() - sizeof(std::uint64_t);
        if (may_be_bad(load(text.data() + last)) == 0) {
            return std::string_view::npos;
        }
    }
    for (; index < text.size(); ++index) {
        if (is_bad(text[index])) {
            return index;
        }
    }
    return std::string_view::npos;
}

}  // namespace

bool is_token_octet(char octet) noexcept {
    return token_octets[static_cast<std::uint8_t>(octet)];
}

bool is_token(std::string_view text) noexcept {
    bool all = !text.empty();
    for (const char octet : text) {
        all &= is_token_octet(octet);  // Names are short and nearly always right: no early end.
    }
    return all;
}

std::size_t find_control(std::string_view text) noexcept {
    return find_octet(
        text, [](std::uint64_t word) { return below(word, 0x20) | equal(word, 0x7f); }, is_control);
}

std::size_t find_outside_target(std::string_view text) noexcept {
    return find_octet(
        text,
        [](std::uint64_t word) {
            return below(word, 0x21) | equal(word, 0x7f) | equal(word, '#') | (word & high_bits);
        },
        is_outside_target);
}

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
    if (left.size() != right.size()) {
        return false;
    }
    const std::size_t size = left.size();
    if (size < sizeof(std::uint64_t)) {
        for (std::size_t index = 0; index < size; ++index) {
            if (to_lower(left[index]) != to_lower(right[index])) {
                return false;
            }
        }
        return true;
    }
    for (std::size_t index = 0; index + sizeof(std::uint64_t) < size;
         index += sizeof(std::uint64_t)) {
        if (fold(load(left.data() + index)) != fold(load(right.data() + index))) {
            return false;
        }
    }
    const std::size_t last = size - sizeof(std::uint64_t);
    return fold(load(left.data() + last)) == fold(load(right.data() + last));
}

std::string_view trim_blanks(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
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
