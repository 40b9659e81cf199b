#include "sluice/tests/interop/request_line.h"

#include "sluice/tests/catch.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;

TEST_CASE("request line: all its members are read, in any order", "[interop]") {
    const std::optional<RequestLine> line = parse_request_line(
        R"( {"url":"http:\/\/a\/","method":"PUT", "headers":["N: \"V\"","O: W"],"body_file":"f",
             "chunked":true,"expect_continue" : true,"wait_ms":5,"timeout_ms":7,"save":"s"} )");
    REQUIRE(line);
    CHECK(line->method == "PUT");
    CHECK(line->url == "http://a/");
    CHECK(line->fields == std::vector<std::string>{"N: \"V\"", "O: W"});
    CHECK(line->body_file == "f");
    CHECK(line->save == "s");
    CHECK(line->chunked);
    CHECK(line->expect_continue);
    CHECK(line->wait == 5ms);
    CHECK(line->timeout == std::optional<Duration>(7ms));
}

TEST_CASE("request line: only method and url are needed", "[interop]") {
    const std::optional<RequestLine> line =
        parse_request_line(R"({"method":"GET","url":"u","headers":[],"chunked":false})");
    REQUIRE(line);
    CHECK(line->fields.empty());
    CHECK_FALSE(line->chunked);
    CHECK_FALSE(line->timeout);
}

TEST_CASE("request line: what is not one, or has a member nobody knows, is refused", "[interop]") {
    const char* const text = GENERATE(
        "", "{}", R"({"method":"GET"})", R"({"url":"u"})", R"({"method":"GET","url":"u"} x)",
        R"({"method":"GET","url":"u",})", R"({"method":"GET","url":"u","bogus":1})",
        R"({"method":"GET","url":"u","chunked":1})", R"({"method":"GET","url":"u","wait_ms":-1})",
        R"({"method":"GET","url":"u","headers":["a"})", R"({"method":"GET","url":"u)");
    CAPTURE(text);
    CHECK_FALSE(parse_request_line(text));
}

}  // namespace
}  // namespace sluice::tests
