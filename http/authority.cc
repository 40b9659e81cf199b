#include "sluice/http/authority.h"

#include "sluice/http/octets.h"

#include <array>
#include <cstddef>

namespace sluice::http {

namespace {

constexpr std::array<bool, 256> name_octets = [] {
    std::array<bool, 256> table{};
    for (const char octet : std::string_view("-._~!$&'()*+,;=")) {
        table[static_cast<std::uint8_t>(octet)] = true;
    }
    for (std::size_t octet = 0; octet < 128; ++octet) {
        const char text = static_cast<char>(octet);
        table[octet] = table[octet] || is_digit(text) || is_alpha(text);
    }
    return table;
}();

// The octets that begin `text` and make up a reg-name, which every IPv4 address also is.
std::size_t name_octets_of(std::string_view text) {
    std::size_t index = 0;
    while (index < text.size()) {
        if (name_octets[static_cast<std::uint8_t>(text[index])]) {
            ++index;
        } else if (text[index] == '%' && text.size() - index >= 3 &&
                   hex_value(text[index + 1]) >= 0 && hex_value(text[index + 2]) >= 0) {
            index += 3;
        } else {
            break;
        }
    }
    return index;
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
    std::uint32_t port = 0;
    for (const char octet : digits) {
        port = port * 10 + static_cast<std::uint32_t>(octet - '0');
        if (!is_digit(octet) || port > 65535) {
            return std::nullopt;
        }
    }
    return static_cast<std::uint16_t>(port);
}

bool is_ipv4(std::string_view text) {
    for (int part = 0; part < 4; ++part) {
        const std::size_t end = part < 3 ? text.find('.') : text.size();
        if (end == std::string_view::npos || end == 0 || end > 3) {
            return false;
        }
        const std::string_view digits = text.substr(0, end);
        const std::optional<std::uint64_t> number = parse_decimal(digits);
        if (!number || *number > 255 || (digits.size() > 1 && digits.front() == '0')) {
            return false;
        }
        text.remove_prefix(part < 3 ? end + 1 : end);
    }
    return true;
}

// How many groups of 16 bits `text` holds, separated by single colons; -1 if it is not that. The
// last two may be written as an IPv4 address, if `ipv4_allowed`.
int groups_of(std::string_view text, bool ipv4_allowed) {
    int groups = 0;
    while (!text.empty()) {
        const std::size_t end = text.find(':');
        const std::string_view group = text.substr(0, end);
        const bool last = end == std::string_view::npos;
        if (last && ipv4_allowed && is_ipv4(group)) {
            return groups + 2;
        }
        if (group.empty() || group.size() > 4) {
            return -1;
        }
        for (const char octet : group) {
            if (hex_value(octet) < 0) {
                return -1;
            }
        }
        ++groups;
        if (last) {
            return groups;
        }
        text.remove_prefix(end + 1);
        if (text.empty()) {
            return -1;
        }
    }
    return groups;
}

bool is_ipv6(std::string_view text) {
    constexpr int groups_max = 8;
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        return groups_of(text, true) == groups_max;
    }
    const int before = groups_of(text.substr(0, gap), false);
    const int after = groups_of(text.substr(gap + 2), true);
    return before >= 0 && after >= 0 && before + after < groups_max;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) noexcept {
    Authority authority;
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) {
            return std::nullopt;
        }
        authority.host = text.substr(1, end - 1);
        authority.is_ipv6 = true;
        rest = text.substr(end + 1);
    } else {
        authority.host = text.substr(0, name_octets_of(text));
        rest = text.substr(authority.host.size());
    }
    if (rest.empty()) {
        return authority;
    }
    if (rest.front() != ':') {
        return std::nullopt;
    }
    rest.remove_prefix(1);
    if (rest.empty()) {
        return authority;  // "host:" names the default port (RFC 3986 3.2.3).
    }
    authority.port = parse_port(rest);
    return authority.port ? std::optional(authority) : std::nullopt;
}

}  // namespace sluice::http
