#include "sluice/examples/object_index.h"

#include "sluice/tests/catch.h"
#include "sluice/tests/support/temporary_directory.h"

#include <filesystem>
#include <string>

namespace sluice::examples {
namespace {

using Start = ObjectIndex::Change::Start;

const ObjectIndex::Condition always = [](const Object*) { return true; };

TEST_CASE("object index: a conditional change and another of the same key never overlap",
          "[examples]") {
    const tests::TemporaryDirectory directory;
    ObjectIndex index(directory.path("root"));
    REQUIRE(index.load());
    const auto [first, second, start] =
        GENERATE(table<ObjectIndex::Condition, ObjectIndex::Condition, Start>({
            {nullptr, nullptr, Start::begun},
            {nullptr, always, Start::busy},
            {always, nullptr, Start::busy},
            {always, always, Start::busy},
        }));
    ObjectIndex::Change one(index, "key");
    ObjectIndex::Change other(index, "key");
    ObjectIndex::Change elsewhere(index, "another key");
    REQUIRE(one.begin(first) == Start::begun);
    CHECK(other.begin(second) == start);
    CHECK(elsewhere.begin(second) == Start::begun);

    one.end();
    if (start == Start::busy) {
        CHECK(other.begin(second) == Start::begun);
    }
}

TEST_CASE("object index: a condition is judged by what is stored when the change begins",
          "[examples]") {
    const tests::TemporaryDirectory directory;
    std::filesystem::create_directory(directory.path("root"));
    directory.write("root/key", "hello");
    ObjectIndex index(directory.path("root"));
    REQUIRE(index.load());
    const ObjectIndex::Condition absent = [](const Object* stored) { return stored == nullptr; };
    CHECK(ObjectIndex::Change(index, "key").begin(absent) == Start::refused);
    CHECK(ObjectIndex::Change(index, "other").begin(absent) == Start::begun);
}

TEST_CASE("object index: after each change it says what the directory says, whoever wrote it",
          "[examples]") {
    const tests::TemporaryDirectory directory;
    std::filesystem::create_directory(directory.path("root"));
    directory.write("root/key", "hello");
    ObjectIndex index(directory.path("root"));
    REQUIRE(index.load());  // Hashes it.
    REQUIRE(index.find("key"));
    CHECK(index.find("key")->octets == 5);

    std::filesystem::remove(directory.path("root/key"));
    ObjectIndex::Change change(index, "key");
    REQUIRE(change.begin(nullptr) == Start::begun);
    CHECK(change.replaced());
    change.end();
    CHECK_FALSE(index.find("key"));
}

TEST_CASE("object index: a list is in order, and can be gone on with", "[examples]") {
    const tests::TemporaryDirectory directory;
    std::filesystem::create_directory(directory.path("root"));
    for (const char* const name : {"a", "b%2F1", "b%2F2", "b%2F3", "c"}) {
        directory.write(std::string("root/") + name, name);
    }
    ObjectIndex index(directory.path("root"));
    REQUIRE(index.load());
    const auto first = index.list("b/", "", 2);
    REQUIRE(first.size() == 2);
    CHECK(first.front().first == "b/1");
    CHECK(first.back().first == "b/2");
    const auto second = index.list("b/", first.back().first, 2);
    REQUIRE(second.size() == 1);
    CHECK(second.front().first == "b/3");
    CHECK(index.list("", "", 100).size() == 5);
    CHECK(index.list("", "c", 100).empty());
}

TEST_CASE(
    "object index: what a killed process left goes at a start, and what a live one has does not",
    "[examples]") {
    const tests::TemporaryDirectory directory;
    std::filesystem::create_directory(directory.path("root"));
    directory.write("root/.sluice-1a", "left by a process that was killed");
    {
        ObjectIndex one(directory.path("root"));
        REQUIRE(one.load());
        CHECK_FALSE(std::filesystem::exists(directory.path("root/.sluice-1a")));
        directory.write("root/.sluice-2b", "about to replace an object");
        ObjectIndex other(directory.path("root"));
        REQUIRE(other.load());
        CHECK(std::filesystem::exists(directory.path("root/.sluice-2b")));
    }
    ObjectIndex later(directory.path("root"));
    REQUIRE(later.load());
    CHECK_FALSE(std::filesystem::exists(directory.path("root/.sluice-2b")));
}

}  // namespace
}  // namespace sluice::examples
