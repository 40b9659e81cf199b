#include "sluice/http/json.h"

#include "sluice/tests/catch.h"

#include <limits>
#include <string>
#include <string_view>

namespace sluice::http {
namespace {

using namespace std::string_view_literals;

TEST_CASE("json: commas stand between members, and nowhere else", "[http][json]") {
    JsonWriter json;
    json.begin_object();
    json.key("list").begin_array().number(1).begin_object().end_object().begin_array().end_array();
    json.string(",").end_array();
    json.key("yes").boolean(true).key("no").boolean(false).key("nothing").null();
    json.end_object();
    CHECK(json.text() == R"({"list":[1,{},[],","],"yes":true,"no":false,"nothing":null})");
}

TEST_CASE("json: numbers keep all their digits", "[http][json]") {
    JsonWriter json;
    json.begin_array();
    json.number(std::numeric_limits<std::uint64_t>::max());
    json.number(std::numeric_limits<std::int64_t>::min());
    json.number(std::optional<std::uint64_t>{}).number(std::optional<std::uint64_t>{7});
    json.end_array();
    CHECK(json.text() == "[18446744073709551615,-9223372036854775808,null,7]");
}

TEST_CASE("json: a string is quoted so that it reads back as it was", "[http][json][rfc8259-7]") {
    const auto [why, text, expected] =
        GENERATE(table<const char*, std::string_view, std::string_view>({
            {"empty", "", R"("")"},
            {"plain", "a key/b", R"("a key/b")"},
            {"quote and backslash", R"(a"b\c)", R"("a\"b\\c")"},
            {"line ends and tab", "\r\n\t", R"("\r\n\t")"},
            {"other controls", "\0\x1f\x7f"sv, R"("\u0000\u001f\u007f")"},
            {"two, three and four octets", "\u00e9\u20ac\U0001F600", "\"\u00e9\u20ac\U0001F600\""},
            {"a lone continuation", "a\x80z", "\"a\uFFFDz\""},
            {"a sequence cut short", "a\xE2\x82", "\"a\uFFFD\uFFFD\""},
            {"a long form", "\xC0\xAF", "\"\uFFFD\uFFFD\""},
            {"a long form of three", "\xE0\x80\xAF", "\"\uFFFD\uFFFD\uFFFD\""},
            {"a lead before another character", "\xC3(", "\"\uFFFD(\""},
            {"a surrogate", "\xED\xA0\x80", "\"\uFFFD\uFFFD\uFFFD\""},
            {"beyond the last", "\xF4\x90\x80\x80", "\"\uFFFD\uFFFD\uFFFD\uFFFD\""},
        }));
    CAPTURE(why);
    JsonWriter json;
    CHECK(json.string(text).text() == expected);
}

}  // namespace
}  // namespace sluice::http
