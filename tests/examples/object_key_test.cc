#include "sluice/examples/object_key.h"

#include "sluice/tests/catch.h"

#include <optional>
#include <set>
#include <string>

namespace sluice::examples {
namespace {

TEST_CASE("object key: any octets but NUL are a key, and come back from their file's name",
          "[examples]") {
    const auto [encoded, key, name] = GENERATE(table<const char*, const char*, const char*>({
        {"film", "film", "film"},
        {"a/b", "a/b", "a%2Fb"},
        {"a%2fb", "a/b", "a%2Fb"},
        {"a%20b", "a b", "a%20b"},
        {"%25", "%", "%25"},
        {"%C3%A9", "\xC3\xA9", "%C3%A9"},
        {"%ff%0a", "\xFF\n", "%FF%0A"},
        {".hidden", ".hidden", "%2Ehidden"},
        {".sluice-1", ".sluice-1", "%2Esluice-1"},
        {"...", "...", "%2E.."},
        {"a/", "a/", "a%2F"},
    }));
    CAPTURE(encoded);
    REQUIRE(key_of_path(encoded));
    CHECK(*key_of_path(encoded) == key);
    CHECK(file_name_of(key) == name);
    CHECK(key_of_file_name(name) == std::optional<std::string>(key));
}

TEST_CASE("object key: no two keys share a file", "[examples]") {
    std::set<std::string> names;
    for (int octet = 1; octet < 256; ++octet) {
        const std::string text(1, static_cast<char>(octet));
        names.insert(file_name_of(text));
        names.insert(file_name_of("." + text));
        names.insert(file_name_of("%" + text));
    }
    CHECK(names.size() == 3 * 255);
}

TEST_CASE("object key: what could leave the directory or cannot be stored is refused",
          "[examples]") {
    const auto [why, encoded] = GENERATE(table<const char*, std::string>({
        {"empty", ""},
        {"NUL", "a%00b"},
        {"a dot", "."},
        {"two dots", ".."},
        {"two dots, encoded", "%2e%2E"},
        {"two dots as a segment", "a/../b"},
        {"a dot as the last segment", "a/."},
        {"half an escape", "a%2"},
        {"no escape", "a%zz"},
        {"longer than a file's name", std::string(256, 'x')},
        {"longer once it is encoded", std::string(86, ' ')},
    }));
    CAPTURE(why);
    CHECK_FALSE(key_of_path(encoded));
}

TEST_CASE("object key: a file that the store did not name is no object", "[examples]") {
    const char* const name = GENERATE(".sluice-1a", ".hidden", "a%2fb", "a b", "%", "..");
    CAPTURE(name);
    CHECK_FALSE(key_of_file_name(name));
}

}  // namespace
}  // namespace sluice::examples
