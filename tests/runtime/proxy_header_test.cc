#include "sluice/runtime/proxy_header.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr std::size_t octets_max = 4096;

Result<std::optional<ProxyHeader>> parse(std::string_view input, std::size_t limit = octets_max) {
    return parse_proxy_header(std::as_bytes(std::span(input)), limit);
}

constexpr std::string_view signature = "\r\n\r\n\0\r\nQUIT\n"sv;

// A header of version 2, with its length.
std::string binary(std::uint8_t command, std::uint8_t family, std::string_view rest) {
    std::string header(signature);
    header += static_cast<char>(command);
    header += static_cast<char>(family);
    header += static_cast<char>(rest.size() >> 8);
    header += static_cast<char>(rest.size() & 0xff);
    header += rest;
    return header;
}

constexpr std::string_view v4_addresses = "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdd\xd5\x01\xbb"sv;
constexpr std::string_view v6_addresses =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xdd\xd5\x01\xbb"sv;

// The checksum is that of the whole header with zeros in its place, as computed by another program.
constexpr std::string_view v4_checksum = "\x03\x00\x04\xb6\x6e\x11\x87"sv;

// Two, each with zeros in its own place alone: both hold; and only the first.
constexpr std::string_view v4_two_checksums =
    "\x03\x00\x04\x39\xcc\x6f\x6f\x03\x00\x04\x45\x7b\xfd\xa4"sv;
constexpr std::string_view v4_first_holds =
    "\x03\x00\x04\x51\x86\x65\xe6\x03\x00\x04\x00\x00\x00\x00"sv;

struct Good {
    std::string header;
    std::string client;
    std::string destination;
};

std::vector<Good> good_headers() {
    const std::string v4(v4_addresses);
    const std::string client = "192.0.2.1:56789";
    const std::string target = "198.51.100.2:443";
    return {
        {"PROXY TCP4 192.0.2.1 198.51.100.2 56789 443\r\n", client, target},
        {"PROXY TCP6 2001:db8::1 2001:db8::2 56789 0\r\n", "[2001:db8::1]:56789",
         "[2001:db8::2]:0"},
        {"PROXY UNKNOWN\r\n", "-", "-"},
        {"PROXY UNKNOWN ffff::1 what ever 1\r\n", "-", "-"},
        {binary(0x21, 0x11, v4), client, target},
        {binary(0x21, 0x21, v6_addresses), "[2001:db8::1]:56789", "[2001:db8::2]:443"},
        {binary(0x21, 0x11, v4 + "\x04\x00\x02xy\x05\x00\x00"s), client, target},
        {binary(0x21, 0x11, v4 + std::string(v4_checksum)), client, target},
        {binary(0x21, 0x11, v4 + std::string(v4_two_checksums)), client, target},
        {binary(0x21, 0x31, std::string(216, 'p')), "-", "-"},
        {binary(0x21, 0x12, v4), "-", "-"},
        {binary(0x21, 0x00, ""), "-", "-"},
        {binary(0x20, 0x00, ""), "-", "-"},
        {binary(0x20, 0x11, "any"), "-", "-"},
    };
}

TEST_CASE("proxy header: says whom the proxy speaks for, and is whole at its last octet only",
          "[runtime][proxy]") {
    for (const Good& good : good_headers()) {
        const std::string input = good.header + "GET /";
        CAPTURE(good.header);
        for (std::size_t octets = 0; octets < good.header.size(); ++octets) {
            CAPTURE(octets);
            const auto partly = parse(std::string_view(input).substr(0, octets));
            REQUIRE(partly);
            REQUIRE_FALSE(partly->has_value());
        }
        const auto parsed = parse(input);
        REQUIRE(parsed);
        REQUIRE(parsed->has_value());
        CHECK((*parsed)->octets == good.header.size());
        CHECK((*parsed)->client.text() == good.client);
        CHECK((*parsed)->destination.text() == good.destination);
    }
}

struct Bad {
    std::string header;
    std::size_t at;
};

std::vector<Bad> bad_lines() {
    const std::string start = "PROXY TCP4 ";
    return {
        {"GET / HTTP/1.1\r\n", 0},
        {"PROXX", 4},
        {"PROXY\r\n", 5},
        {"proxy TCP4", 0},
        {"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", 6},
        {"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", 6},
        {"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 6},
        {"PROXY TCP4\r\n", 10},
        {start + "192.0.2.1 192.0.2.2 1 2\n", 34},
        {start + "192.0.2.1 192.0.2.2 1 2\rX", 34},
        {start + "192.0.2.1 192.0.2.2 1\r\n", 31},
        {start + "192.0.2.1 192.0.2.2 1 2 3\r\n", 33},
        {start + "192.0.2.1 192.0.2.2 1 2 \r\n", 33},
        {start + "192.0.2.1 192.0.2.2 01 2\r\n", 31},
        {start + "192.0.2.1 192.0.2.2 +1 2\r\n", 31},
        {start + "192.0.2.1 192.0.2.2 65536 2\r\n", 31},
        {start + "192.0.2.1 192.0.2.2 1 65536\r\n", 33},
        {start + "192.0.2.01 192.0.2.2 1 2\r\n", 11},
        {start + "192.0.2.1\0 192.0.2.2 1 2\r\n"s, 11},
        {start + "192.0.2 192.0.2.2 1 2\r\n", 11},
        {start + "2001:db8::1 192.0.2.2 1 2\r\n", 11},
        {start + "192.0.2.1 host 1 2\r\n", 21},
        {"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", 11},
        {"PROXY TCP6 fe80::1%lo ::1 1 2\r\n", 11},
        {"PROXY UNKNOWN " + std::string(93, 'x'), 107},
        {"PROXY UNKNOWN " + std::string(93, 'x') + "\r\n", 107},
    };
}

std::vector<Bad> bad_binaries() {
    const std::string v4(v4_addresses);
    std::string wrong_sum(v4_checksum);
    wrong_sum.back() ^= 1;
    return {
        {"\r\n\r\n\0\r\nQUIT\r"s, 11},
        {binary(0x11, 0x11, v4), 12},
        {binary(0x31, 0x11, v4), 12},
        {binary(0x22, 0x11, v4), 12},
        {binary(0x21, 0x41, v4), 13},
        {binary(0x21, 0x13, v4), 13},
        {binary(0x21, 0x11, v4.substr(1)), 14},
        {binary(0x21, 0x21, v4), 14},
        {binary(0x21, 0x31, std::string(215, 'p')), 14},
        {binary(0x21, 0x11, v4 + "\x04\x00"s), 28},
        {binary(0x21, 0x11, v4 + "\x04\x00\x03xy"s), 29},
        {binary(0x21, 0x11, v4 + wrong_sum), 31},
        {binary(0x21, 0x11, v4 + std::string(v4_first_holds)), 38},
        {binary(0x21, 0x11, v4 + "\x03\x00\x02xy"s), 31},
    };
}

TEST_CASE("proxy header: what is not one is refused, with the octet that is wrong",
          "[runtime][proxy]") {
    std::vector<Bad> all = bad_lines();
    for (Bad& bad : bad_binaries()) {
        all.push_back(std::move(bad));
    }
    for (const Bad& bad : all) {
        CAPTURE(bad.header);
        const auto parsed = parse(bad.header);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == Errc::malformed);
        CHECK(parsed.error().octets_done == bad.at);
    }
}

TEST_CASE("proxy header: one that says it is too long is refused before it is there",
          "[runtime][proxy]") {
    const std::string whole =
        binary(0x21, 0x11, std::string(v4_addresses) + std::string(100, '\0'));
    const auto parsed = parse(std::string_view(whole).substr(0, 16), whole.size() - 1);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::limit_exceeded);
    CHECK(parse(std::string_view(whole).substr(0, 16), whole.size()));
}

}  // namespace
}  // namespace sluice
