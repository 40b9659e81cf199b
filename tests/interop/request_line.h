// RequestLine: one request for test_client, read from a line of JSON.
//
// Reads exactly the JSON that such a line may have: one object of strings, numbers, booleans and
// one array of strings. Unknown members are refused, so that a misspelt one does not go unnoticed.

#pragma once

#include "sluice/runtime/clock.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tests {

struct RequestLine {
    std::string method;
    std::string url;
    std::vector<std::string> fields;
    std::string body_file;
    std::string save;
    bool chunked = false;
    bool expect_continue = false;
    Duration wait{0};
    std::optional<Duration> timeout;
};

[[nodiscard]] std::optional<RequestLine> parse_request_line(std::string_view json);

}  // namespace sluice::tests
