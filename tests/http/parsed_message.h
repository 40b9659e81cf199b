// ParsedMessage: everything a MessageParser told about one message, as a value to compare.
//
// The reader behaves as a connection does: a head that arrives in pieces is gathered in memory that
// moves with each of them, and content is read from the pieces themselves.

#pragma once

#include "sluice/http/message_parser.h"
#include "sluice/tests/support/for_each_split.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::tests {

using FieldList = std::vector<std::pair<std::string, std::string>>;

struct ParsedMessage {
    std::optional<http::Errc> failure;
    std::uint64_t failure_octet = 0;

    bool head_complete = false;
    http::Method method = http::Method::other;
    http::TargetForm target_form = http::TargetForm::origin;
    http::Status status{};
    http::Framing framing;
    int version_minor = 0;
    bool keep_alive = false;
    bool expect_continue = false;
    bool upgrade = false;
    std::string method_text;
    std::string target;
    std::string authority;
    std::string reason;
    FieldList fields;
    std::size_t head_octets = 0;

    bool finished = false;  // The framing's end was seen, which may be the head's.
    std::string content;
    FieldList trailers;
    std::string rest;  // What came behind the message.

    bool operator==(const ParsedMessage&) const = default;
};

[[nodiscard]] ParsedMessage parse_request(const Pieces& pieces, const http::Limits& limits = {});
[[nodiscard]] ParsedMessage parse_response(const Pieces& pieces, http::Method request_method,
                                           const http::Limits& limits = {});

// The message read from the whole input, once it is proven that every split of it reads the same.
[[nodiscard]] ParsedMessage request_of(std::string_view wire, const http::Limits& limits = {});
[[nodiscard]] ParsedMessage response_of(std::string_view wire,
                                        http::Method request_method = http::Method::get,
                                        const http::Limits& limits = {});

}  // namespace sluice::tests
