#include "sluice/http/fields.h"

#include "sluice/tests/catch.h"

#include <string>
#include <string_view>

namespace sluice::http {
namespace {

using namespace std::string_view_literals;

TEST_CASE("fields: lines keep their order and their names' case", "[http][fields]") {
    Fields fields;
    REQUIRE(fields.add("X-One", "1"));
    REQUIRE(fields.add("accept", "\t a, b "));
    REQUIRE(fields.add("x-one", ""));
    CHECK(fields.wire() == "X-One: 1\r\naccept: a, b\r\nx-one: \r\n");
    CHECK(fields.size() == 3);
    CHECK(fields.view()[1].value == "a, b");
}

TEST_CASE("fields: names are found in any case, the first of several", "[http][fields]") {
    Fields fields;
    REQUIRE(fields.add("ETag", "\"a\""));
    REQUIRE(fields.add("Cache-Control", "no-store"));
    REQUIRE(fields.add("cache-control", "private, max-age=0"));
    CHECK(fields.find("CACHE-CONTROL") == "no-store"sv);
    CHECK(fields.find("etag") == "\"a\""sv);
    CHECK(!fields.find("etags"));
    CHECK(!fields.find(""));
    CHECK(fields.view().count("cache-control") == 2);
    CHECK(fields.view().has_token("Cache-Control", "Private"));
    CHECK(!fields.view().has_token("Cache-Control", "max-age"));
    CHECK(FieldsView().empty());
    CHECK(!FieldsView().find("etag"));
}

TEST_CASE("fields: setting replaces every field of the name, removing shifts none of the others",
          "[http][fields]") {
    Fields fields;
    REQUIRE(fields.add("A", "1"));
    REQUIRE(fields.add("B", "22"));
    REQUIRE(fields.add("a", "333"));
    REQUIRE(fields.add("C", "4444"));
    REQUIRE(fields.set("A", "5"));
    CHECK(fields.wire() == "B: 22\r\nC: 4444\r\nA: 5\r\n");
    CHECK(fields.find("c") == "4444"sv);
    CHECK(fields.find("a") == "5"sv);
    CHECK(fields.remove("b") == 1);
    CHECK(fields.remove("b") == 0);
    CHECK(fields.find("c") == "4444"sv);
    fields.clear();
    CHECK(fields.empty());
    CHECK(fields.wire().empty());
}

TEST_CASE("fields: what could end a line or start another is refused, and changes nothing",
          "[http][fields][smuggling][rfc9110-5.5]") {
    Fields fields;
    REQUIRE(fields.add("A", "1"));
    for (const std::string_view value : {"a\r\nB: c"sv, "a\nb"sv, "a\rb"sv, "a\0b"sv, "\x7f"sv,
                                         "01234567\n"sv, "\v"sv, "a\r\n b"sv}) {
        CAPTURE(value);
        CHECK(fields.add("X", value).error().code == Errc::field_invalid);
        CHECK(fields.set("A", value).error().code == Errc::field_invalid);
    }
    for (const std::string_view name :
         {""sv, "a b"sv, "a:"sv, "a\r\nb"sv, " a"sv, "a "sv, "\xc3\xa4"sv, "a\0"sv, "a/b"sv}) {
        CAPTURE(name);
        CHECK(fields.add(name, "1").error().code == Errc::field_invalid);
    }
    CHECK(fields.wire() == "A: 1\r\n");
}

TEST_CASE("fields: what frames a message or rules a connection cannot be written by name",
          "[http][fields][smuggling]") {
    Fields fields;
    for (const std::string_view name :
         {"Connection", "CONTENT-LENGTH", "Expect", "Host", "Keep-Alive", "Proxy-Connection", "TE",
          "transfer-encoding", "Upgrade"}) {
        CAPTURE(name);
        CHECK(fields.add(name, "1").error().code == Errc::field_reserved);
        CHECK(fields.set(name, "1").error().code == Errc::field_reserved);
    }
    CHECK(fields.empty());
}

}  // namespace
}  // namespace sluice::http
