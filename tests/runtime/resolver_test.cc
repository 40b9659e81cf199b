#include "sluice/runtime/resolver.h"

#include "sluice/tests/support/on_kernel.h"

#include <string>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::on_kernel;

std::vector<std::string> texts_of(const Result<std::vector<Endpoint>>& endpoints) {
    std::vector<std::string> texts;
    for (const Endpoint& endpoint : endpoints.value_or(std::vector<Endpoint>())) {
        texts.push_back(endpoint.text());
    }
    return texts;
}

TEST_CASE("resolve: numeric addresses and localhost need no name service", "[runtime][resolver]") {
    struct Row {
        std::string host;
        std::vector<std::string> endpoints;
    };
    const Row rows[] = {
        {"192.0.2.7", {"192.0.2.7:80"}},
        {"2001:db8::1", {"[2001:db8::1]:80"}},
        {"localhost", {"127.0.0.1:80", "[::1]:80"}},
    };
    for (const Row& row : rows) {
        INFO(row.host);
        CHECK(texts_of(on_kernel(resolve(row.host, 80))) == row.endpoints);
    }
}

TEST_CASE("resolve: what only the system's resolver understands is asked of it",
          "[runtime][resolver]") {
    // A form of address that is not ours, and needs no network: inet_aton(3).
    CHECK(texts_of(on_kernel(resolve("127.1", 81))) == std::vector<std::string>{"127.0.0.1:81"});
}

TEST_CASE("resolve: what is no name, and a name that nobody can know, are told apart",
          "[runtime][resolver]") {
    struct Row {
        std::string host;
        Errc code;
        const char* why;
    };
    const Row rows[] = {
        {"", Errc::invalid, "empty"},
        {std::string("a\0b", 3), Errc::invalid, "a NUL would cut it"},
        {"no-such-host.invalid", Errc::unreachable, "RFC 6761: never exists"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        const Result<std::vector<Endpoint>> found = on_kernel(resolve(row.host, 80));
        REQUIRE_FALSE(found);
        CHECK(found.error().code == row.code);
        CHECK(found.error().phase == Phase::resolve);
    }
}

}  // namespace
}  // namespace sluice
