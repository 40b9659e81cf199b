#include "sluice/http/preconditions.h"

#include "sluice/tests/catch.h"

#include <initializer_list>
#include <string_view>
#include <utility>

namespace sluice::http {
namespace {

constexpr std::int64_t modified = 784'111'777;
constexpr std::string_view modified_text = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view before_text = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view after_text = "Sun, 06 Nov 1994 08:49:38 GMT";

using Lines = std::initializer_list<std::pair<std::string_view, std::string_view>>;

Fields fields_of(Lines lines) {
    Fields fields;
    for (const auto& [name, value] : lines) {
        REQUIRE(fields.add(name, value));
    }
    return fields;
}

const Stored stored{.exists = true, .tag = EntityTag{"\"a\""}, .modified_unix_seconds = modified};
const Stored weakly_stored{
    .exists = true, .tag = EntityTag{"\"a\"", true}, .modified_unix_seconds = {}};
const Stored absent{};

Precondition evaluated(Lines lines, Method method, const Stored& now) {
    return evaluate(fields_of(lines).view(), method, now, modified);
}

TEST_CASE("preconditions: an entity tag is quoted, and perhaps weak",
          "[http][preconditions][rfc9110-8.8.3]") {
    CHECK(parse_entity_tag("\"a\"")->opaque == "\"a\"");
    CHECK(parse_entity_tag("W/\"\"")->weak);
    CHECK(parse_entity_tag("\"a\\\"")->opaque == "\"a\\\"");
    for (const std::string_view text :
         {"", "a", "\"", "\"a", "a\"", "w/\"a\"", "\"a\" ", "\"a\"b", "\"a b\"", "W/a"}) {
        CAPTURE(text);
        CHECK(!parse_entity_tag(text));
    }
    CHECK(strongly_equal({"\"a\""}, {"\"a\""}));
    CHECK(!strongly_equal({"\"a\"", true}, {"\"a\"", true}));
    CHECK(weakly_equal({"\"a\"", true}, {"\"a\""}));
}

TEST_CASE("preconditions: If-Match protects what is stored",
          "[http][preconditions][rfc9110-13.1.1]") {
    const auto put = [](std::string_view value, const Stored& now) {
        return evaluated({{"If-Match", value}}, Method::put, now);
    };
    CHECK(put("*", stored) == Precondition::holds);
    CHECK(put("*", absent) == Precondition::failed);
    CHECK(put("\"a\"", stored) == Precondition::holds);
    CHECK(put("\"b\", \"a\"", stored) == Precondition::holds);
    CHECK(put("\"b\",,\"c\"", stored) == Precondition::failed);
    CHECK(put("W/\"a\"", stored) == Precondition::failed);
    CHECK(put("\"a\"", weakly_stored) == Precondition::failed);
    CHECK(put("\"a\"", absent) == Precondition::failed);
    CHECK(put("a", stored) == Precondition::failed);
    CHECK(put("", stored) == Precondition::failed);
    CHECK(evaluated({{"If-Match", "\"b\""}, {"If-Match", "\"a\""}}, Method::put, stored) ==
          Precondition::holds);
}

TEST_CASE("preconditions: If-None-Match spares a reader, and keeps a writer from overwriting",
          "[http][preconditions][rfc9110-13.1.2]") {
    const auto get = [](std::string_view value, const Stored& now) {
        return evaluated({{"If-None-Match", value}}, Method::get, now);
    };
    const auto put = [](std::string_view value, const Stored& now) {
        return evaluated({{"If-None-Match", value}}, Method::put, now);
    };
    CHECK(get("\"a\"", stored) == Precondition::not_modified);
    CHECK(get("W/\"a\"", stored) == Precondition::not_modified);
    CHECK(get("\"b\"", stored) == Precondition::holds);
    CHECK(get("*", stored) == Precondition::not_modified);
    CHECK(get("garbage", stored) == Precondition::holds);
    CHECK(put("*", stored) == Precondition::failed);
    CHECK(put("*", absent) == Precondition::holds);
    CHECK(put("\"b\"", stored) == Precondition::holds);
    CHECK(put("garbage", stored) == Precondition::failed);
}

TEST_CASE("preconditions: dates count only where no tag is named",
          "[http][preconditions][rfc9110-13.2.2]") {
    const auto get = [](Lines lines) { return evaluated(lines, Method::get, stored); };
    CHECK(get({{"If-Modified-Since", modified_text}}) == Precondition::not_modified);
    CHECK(get({{"If-Modified-Since", after_text}}) == Precondition::not_modified);
    CHECK(get({{"If-Modified-Since", before_text}}) == Precondition::holds);
    CHECK(get({{"If-Modified-Since", "yesterday"}}) == Precondition::holds);
    CHECK(get({{"If-None-Match", "\"b\""}, {"If-Modified-Since", after_text}}) ==
          Precondition::holds);
    CHECK(get({{"If-Unmodified-Since", modified_text}}) == Precondition::holds);
    CHECK(get({{"If-Unmodified-Since", before_text}}) == Precondition::failed);
    CHECK(get({{"If-Match", "\"a\""}, {"If-Unmodified-Since", before_text}}) ==
          Precondition::holds);
    CHECK(evaluated({{"If-Modified-Since", after_text}}, Method::put, stored) ==
          Precondition::holds);
    CHECK(evaluated({{"If-Unmodified-Since", before_text}}, Method::put, absent) ==
          Precondition::holds);
}

TEST_CASE("preconditions: a range applies to exactly what If-Range names",
          "[http][preconditions][rfc9110-13.1.5]") {
    const auto applies = [](Lines lines, const Stored& now) {
        return range_applies(fields_of(lines).view(), now, modified);
    };
    CHECK(applies({}, stored));
    CHECK(applies({{"If-Range", "\"a\""}}, stored));
    CHECK(!applies({{"If-Range", "\"b\""}}, stored));
    CHECK(!applies({{"If-Range", "W/\"a\""}}, weakly_stored));
    CHECK(applies({{"If-Range", modified_text}}, stored));
    CHECK(!applies({{"If-Range", after_text}}, stored));
    CHECK(!applies({{"If-Range", "garbage"}}, stored));
    CHECK(!applies({{"If-Range", "garbage"}}, absent));
}

}  // namespace
}  // namespace sluice::http
