#include "sluice/runtime/proxy_header.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace sluice {

namespace {

using Parsed = Result<std::optional<ProxyHeader>>;

std::unexpected<Error> malformed(std::size_t at) {
    return failure(Errc::malformed, Phase::receive, at);
}

// How many octets of `input` are those of `wanted`.
std::size_t common_octets(std::string_view input, std::string_view wanted) {
    const std::size_t octets = std::min(input.size(), wanted.size());
    const auto [end, unused] = std::mismatch(
        input.begin(), input.begin() + static_cast<std::ptrdiff_t>(octets), wanted.begin());
    return static_cast<std::size_t>(end - input.begin());
}

// --- Version 1 ---

constexpr std::string_view line_start = "PROXY ";
constexpr std::size_t line_octets_max = 107;  // With CR LF.

// Takes words off a line, each ended by exactly one space, and knows where it is.
class Words {
public:
    Words(std::string_view line, std::size_t at) : line_(line), at_(at) {}

    [[nodiscard]] std::string_view next() {
        start_ = at_;
        const std::size_t end = std::min(line_.find(' ', at_), line_.size());
        at_ = std::min(end + 1, line_.size());
        is_last_ = end == line_.size();
        return line_.substr(start_, end - start_);
    }

    // The word that next() yielded last.
    [[nodiscard]] std::size_t at() const { return start_; }
    [[nodiscard]] bool is_last() const { return is_last_; }

private:
    std::string_view line_;
    std::size_t at_;
    std::size_t start_ = 0;
    bool is_last_ = false;
};

std::optional<std::uint16_t> port_of(std::string_view digits) {
    std::uint16_t port = 0;
    const char* const end = digits.data() + digits.size();
    const auto [read, error] = std::from_chars(digits.data(), end, port);
    const bool has_needless_zero = digits.size() > 1 && digits.front() == '0';
    if (error != std::errc() || read != end || has_needless_zero) {
        return std::nullopt;
    }
    return port;
}

Result<Endpoint> address_of(Words& words, int family) {
    const std::string_view word = words.next();
    const bool is_whole = word.find('\0') == std::string_view::npos && !words.is_last();
    const std::optional<Endpoint> address =
        is_whole ? Endpoint::parse_address(word, 0) : std::nullopt;
    if (!address || address->family() != family) {
        return malformed(words.at());
    }
    return *address;
}

Result<Endpoint> with_port(const Endpoint& address, Words& words, bool is_last) {
    const std::optional<std::uint16_t> port = port_of(words.next());
    if (!port || words.is_last() != is_last) {
        return malformed(words.at());
    }
    return address.with_port(*port);
}

Parsed parse_line(std::string_view input) {
    const std::size_t end = input.find_first_of("\r\n");
    if (end == std::string_view::npos || (input[end] == '\r' && end + 1 == input.size())) {
        if (input.size() >= line_octets_max) {
            return malformed(line_octets_max);
        }
        return std::nullopt;
    }
    if (input.substr(end, 2) != "\r\n" || end + 2 > line_octets_max) {
        return malformed(end);
    }
    ProxyHeader header{end + 2, {}, {}};
    Words words(input.substr(0, end), line_start.size());
    const std::string_view protocol = words.next();
    if (protocol == "UNKNOWN") {
        return header;  // Whatever else it says.
    }
    if (protocol != "TCP4" && protocol != "TCP6") {
        return malformed(words.at());
    }
    const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
    const Result<Endpoint> source = address_of(words, family);
    if (!source) {
        return failed(source);
    }
    const Result<Endpoint> target = address_of(words, family);
    if (!target) {
        return failed(target);
    }
    const Result<Endpoint> client = with_port(*source, words, false);
    if (!client) {
        return failed(client);
    }
    const Result<Endpoint> destination = with_port(*target, words, true);
    if (!destination) {
        return failed(destination);
    }
    header.client = *client;
    header.destination = *destination;
    return header;
}

// --- Version 2 ---

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t fixed_octets = 16;
constexpr std::size_t command_at = 12;
constexpr std::size_t family_at = 13;
constexpr std::size_t length_at = 14;

enum class Command : std::uint8_t { local = 0, proxy = 1 };
enum class Family : std::uint8_t { unspecified = 0, v4 = 1, v6 = 2, unix_path = 3 };
constexpr std::uint8_t stream = 1;
constexpr std::uint8_t datagram = 2;

constexpr std::uint8_t tlv_crc32c = 3;
constexpr std::size_t tlv_head_octets = 3;

std::uint8_t octet_at(std::string_view input, std::size_t at) {
    return static_cast<std::uint8_t>(input[at]);
}

std::uint16_t u16_at(std::string_view input, std::size_t at) {
    return static_cast<std::uint16_t>(octet_at(input, at) << 8 | octet_at(input, at + 1));
}

std::uint32_t u32_at(std::string_view input, std::size_t at) {
    return std::uint32_t{u16_at(input, at)} << 16 | u16_at(input, at + 2);
}

// Of the header with a checksum of zeros. (RFC 9260 appendix A)
std::uint32_t crc32c(std::string_view header, std::size_t checksum_at) {
    constexpr std::uint32_t polynomial = 0x82f63b78;  // Castagnoli's, reflected.
    std::uint32_t remainder = ~std::uint32_t{0};
    for (std::size_t at = 0; at < header.size(); ++at) {
        const bool is_checksum = at >= checksum_at && at < checksum_at + sizeof(std::uint32_t);
        remainder ^= is_checksum ? 0U : octet_at(header, at);
        for (int bit = 0; bit < 8; ++bit) {
            remainder = (remainder >> 1) ^ ((remainder & 1U) != 0 ? polynomial : 0U);
        }
    }
    return ~remainder;
}

Result<void> check_values(std::string_view header, std::size_t at) {
    while (at < header.size()) {
        if (header.size() - at < tlv_head_octets) {
            return malformed(at);
        }
        const std::size_t octets = u16_at(header, at + 1);
        const std::size_t value_at = at + tlv_head_octets;
        if (header.size() - value_at < octets) {
            return malformed(at + 1);
        }
        if (octet_at(header, at) == tlv_crc32c) {
            const bool holds = octets == sizeof(std::uint32_t) &&
                               u32_at(header, value_at) == crc32c(header, value_at);
            if (!holds) {
                return malformed(value_at);
            }
        }
        at = value_at + octets;
    }
    return {};
}

std::size_t address_octets(Family family) {
    switch (family) {
        case Family::unspecified: return 0;
        case Family::v4: return 2 * (sizeof(in_addr) + sizeof(in_port_t));
        case Family::v6: return 2 * (sizeof(in6_addr) + sizeof(in_port_t));
        case Family::unix_path: return 2 * 108;
    }
    std::unreachable();
}

// `address` in octets of the header, behind which are both addresses, then both ports.
template <typename Socket, typename Address>
Endpoint endpoint_at(std::string_view header, std::size_t index, int family,
                     Address Socket::* address, in_port_t Socket::* port) {
    Socket socket{};
    const char* const from = header.data() + fixed_octets;
    std::memcpy(&(socket.*address), from + index * sizeof(Address), sizeof(Address));
    std::memcpy(&(socket.*port), from + 2 * sizeof(Address) + index * sizeof(in_port_t),
                sizeof(in_port_t));
    auto* const any = reinterpret_cast<sockaddr*>(&socket);
    any->sa_family = static_cast<sa_family_t>(family);
    return Endpoint::from(any, sizeof socket);
}

void take_addresses(std::string_view input, Family family, ProxyHeader& header) {
    if (family == Family::v4) {
        header.client =
            endpoint_at(input, 0, AF_INET, &sockaddr_in::sin_addr, &sockaddr_in::sin_port);
        header.destination =
            endpoint_at(input, 1, AF_INET, &sockaddr_in::sin_addr, &sockaddr_in::sin_port);
    } else if (family == Family::v6) {
        header.client =
            endpoint_at(input, 0, AF_INET6, &sockaddr_in6::sin6_addr, &sockaddr_in6::sin6_port);
        header.destination =
            endpoint_at(input, 1, AF_INET6, &sockaddr_in6::sin6_addr, &sockaddr_in6::sin6_port);
    }
}

Parsed parse_binary(std::string_view input, std::size_t octets_max) {
    if (input.size() > command_at) {
        const std::uint8_t command = octet_at(input, command_at);
        if (command >> 4 != 2 || (command & 0xf) > static_cast<std::uint8_t>(Command::proxy)) {
            return malformed(command_at);
        }
    }
    if (input.size() > family_at) {
        const std::uint8_t family = octet_at(input, family_at);
        if (family >> 4 > static_cast<std::uint8_t>(Family::unix_path) ||
            (family & 0xf) > datagram) {
            return malformed(family_at);
        }
    }
    if (input.size() < fixed_octets) {
        return std::nullopt;
    }
    ProxyHeader header{fixed_octets + u16_at(input, length_at), {}, {}};
    if (header.octets > octets_max) {
        return failure(Errc::limit_exceeded, Phase::receive, length_at);
    }
    const bool is_proxy =
        Command{static_cast<std::uint8_t>(octet_at(input, command_at) & 0xf)} == Command::proxy;
    const bool is_stream = (octet_at(input, family_at) & 0xf) == stream;
    const Family family{static_cast<std::uint8_t>(octet_at(input, family_at) >> 4)};
    const std::size_t values_at = fixed_octets + (is_proxy ? address_octets(family) : 0);
    if (header.octets < values_at) {
        return malformed(length_at);
    }
    if (input.size() < header.octets) {
        return std::nullopt;
    }
    if (is_proxy) {
        const Result<void> checked = check_values(input.substr(0, header.octets), values_at);
        if (!checked) {
            return failed(checked);
        }
        if (is_stream) {
            take_addresses(input, family, header);
        }
    }
    return header;
}

}  // namespace

Parsed parse_proxy_header(std::span<const std::byte> input, std::size_t octets_max) {
    const std::string_view octets(reinterpret_cast<const char*>(input.data()), input.size());
    for (const std::string_view start : {line_start, signature}) {
        if (common_octets(octets, start) < std::min(octets.size(), start.size())) {
            continue;
        }
        if (octets.size() < start.size()) {
            return std::nullopt;
        }
        return start == signature ? parse_binary(octets, octets_max) : parse_line(octets);
    }
    return malformed(std::max(common_octets(octets, line_start), common_octets(octets, signature)));
}

}  // namespace sluice
