// The eight-octets-at-a-time searches are held against the plain meaning, octet by octet.

#include "sluice/http/octets.h"

#include "sluice/tests/catch.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {
namespace {

constexpr std::size_t npos = std::string_view::npos;

TEST_CASE("octets: a search finds the first octet that is meant, at every place in every length",
          "[http][octets]") {
    for (std::size_t size = 0; size <= 20; ++size) {
        CHECK(find_control(std::string(size, '~')) == npos);
        CHECK(find_outside_target(std::string(size, '!')) == npos);
        for (std::size_t at = 0; at < size; ++at) {
            for (int value = 0; value < 256; ++value) {
                const char octet = static_cast<char>(value);
                const bool is_control = (value < 0x20 && octet != '\t') || value == 0x7f;
                const bool is_outside = value <= 0x20 || value >= 0x7f || octet == '#';
                std::string text(size, 'a');
                text[at] = octet;
                if (at + 2 < size) {
                    text[at + 2] = '\n';  // A later one must not be taken for the first.
                }
                const std::size_t later = at + 2 < size ? at + 2 : npos;
                const std::size_t control = find_control(text);
                const std::size_t outside = find_outside_target(text);
                if (control != (is_control ? at : later) || outside != (is_outside ? at : later)) {
                    CAPTURE(size, at, value, control, outside);
                    FAIL("a search went wrong");
                }
            }
        }
    }
}

TEST_CASE("octets: case is ignored for the letters of ASCII alone", "[http][octets]") {
    for (const std::size_t size : {1u, 7u, 8u, 9u, 16u, 23u}) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int value = 0; value < 256; ++value) {
                std::string left(size, 'q');
                std::string right(size, 'Q');
                left[at] = static_cast<char>(value);
                right[at] = static_cast<char>(value ^ 0x20);
                const bool is_letter = is_alpha(left[at]);
                if (equal_ignoring_case(left, right) != is_letter) {
                    CAPTURE(size, at, value);
                    FAIL("case was ignored wrongly");
                }
            }
        }
    }
    CHECK(equal_ignoring_case("", ""));
    CHECK(!equal_ignoring_case("content-length", "content-lengt"));
}

TEST_CASE("octets: a decimal is digits alone, and fits", "[http][octets][rfc9110-8.6]") {
    CHECK(parse_decimal("0") == 0);
    CHECK(parse_decimal("007") == 7);
    CHECK(parse_decimal("18446744073709551615") == 18446744073709551615u);
    for (const std::string_view text : {"", "+1", "-1", " 1", "1 ", "1,1", "0x1", "1.0", "a",
                                        "18446744073709551616", "99999999999999999999999"}) {
        CAPTURE(text);
        CHECK(!parse_decimal(text));
    }
}

TEST_CASE("octets: a list gives its elements, and a quoted comma separates nothing",
          "[http][octets][rfc9110-5.6.1]") {
    std::string_view list = " a ,,\tb=\"c, \\\"d\" , ";
    std::vector<std::string_view> elements;
    while (const auto element = next_element(list)) {
        elements.push_back(*element);
    }
    CHECK(elements == std::vector<std::string_view>{"a", "b=\"c, \\\"d\""});
    CHECK(list_has_token("keep-alive, CLOSE", "close"));
    CHECK(!list_has_token("closed, x-close", "close"));
    CHECK(!list_has_token("\"a, close\"", "close"));
}

}  // namespace
}  // namespace sluice::http
