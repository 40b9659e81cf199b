// HeadCheck trusts no parser: here the parts are named by hand, and every octet between them is
// changed to every other.

#include "sluice/http/head_check.h"

#include "sluice/tests/catch.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {
namespace {

// The part of `head` that reads `text`, at its first place.
Part part_of(std::string_view head, std::string_view text) {
    return {static_cast<std::uint32_t>(head.find(text)), static_cast<std::uint32_t>(text.size())};
}

FieldLine line_of(std::string_view head, std::string_view name, std::string_view value) {
    const Part name_part = part_of(head, name);
    const Part value_part = part_of(head, value);
    return {name_part.offset, name_part.octets, value_part.offset, value_part.octets};
}

// Calls `accepts` for each change of one octet of `head` that is in no part, marked by 'p' in
// `mask`, and expects it to be true exactly for the octets that may stand in for one another.
template <typename Accepts>
void check_separators(std::string_view head, std::string_view mask, Accepts accepts) {
    REQUIRE(head.size() == mask.size());
    REQUIRE(accepts(head));
    for (std::size_t at = 0; at < head.size(); ++at) {
        for (int value = 0; value < 256 && mask[at] != 'p'; ++value) {
            const char octet = static_cast<char>(value);
            const bool is_blank = mask[at] == 'b' && (octet == ' ' || octet == '\t');
            const bool is_minor = mask[at] == 'v' && (octet == '0' || octet == '1');
            std::string changed(head);
            changed[at] = octet;
            if (accepts(changed) != (octet == head[at] || is_blank || is_minor)) {
                CAPTURE(at, value);
                FAIL("an octet between the parts was misjudged");
            }
        }
    }
}

TEST_CASE("head check: in a request line, nothing but its separators stands between the parts",
          "[http][smuggling][rfc9112-3]") {
    const std::string_view head = "GET /a HTTP/1.1\r\n";
    check_separators(head, "ppp.pp........v..", [](std::string_view changed) {
        return read_request_line(changed, 0).has_value();
    });
}

TEST_CASE("head check: in a status line, nothing but its separators stands around the reason",
          "[http][smuggling][rfc9112-4]") {
    const std::string_view head = "HTTP/1.1 200 OK\r\n";
    check_separators(head, ".......v.ppp.pp..", [](std::string_view changed) {
        return read_status_line(changed).has_value();
    });
}

TEST_CASE("head check: in a field section, nothing but its separators stands between the parts",
          "[http][smuggling][rfc9112-5]") {
    const std::string_view section = "ab: \tcd \t\r\nef:gh\r\n\r\n";
    check_separators(section, "pp.bbppbb..pp.pp....", [&](std::string_view changed) {
        std::vector<FieldLine> lines = {line_of(section, "ab", "cd"), line_of(section, "ef", "gh")};
        return check_field_section(changed, 0, lines).has_value();
    });
}

TEST_CASE("head check: blanks around a value are taken off, wherever the parser put them",
          "[http][rfc9112-5.1]") {
    const std::string_view section = "a: b \t\r\n\r\n";
    for (const std::uint32_t octets : {1u, 2u, 3u}) {
        std::vector<FieldLine> lines = {{0, 1, 3, octets}};
        REQUIRE(check_field_section(section, 0, lines));
        CHECK(lines.front().value_octets == 1);
    }
}

TEST_CASE("head check: parts that leave octets out, or overlap, are refused", "[http][smuggling]") {
    const std::string_view section = "a: b\r\nc: d\r\n\r\n";
    std::vector<std::vector<FieldLine>> wrong = {
        {},
        {{0, 1, 3, 1}},
        {{6, 1, 9, 1}},
        {{0, 1, 3, 1}, {7, 1, 9, 1}},
        {{0, 1, 3, 7}},
        {{0, 1, 3, 0}, {6, 1, 9, 1}},
        {{3, 1, 3, 1}, {6, 1, 9, 1}},
        {{0, 0, 3, 1}, {6, 1, 9, 1}},
        {{0, 1, 3, 1}, {6, 1, 9, 1}, {6, 1, 9, 1}},
    };
    for (std::size_t row = 0; row < wrong.size(); ++row) {
        CAPTURE(row);
        CHECK(!check_field_section(section, 0, wrong[row]));
    }
}

}  // namespace
}  // namespace sluice::http
