// Each limit holds to the octet: what fills it is read, one more is refused with its own error.

#include "sluice/http/limits.h"

#include "sluice/tests/catch.h"
#include "sluice/tests/http/parsed_message.h"

#include <string>

namespace sluice::tests {
namespace {

using http::Errc;
using http::Limits;

TEST_CASE("limits: a head of the greatest size is read, and one octet more is refused",
          "[http][limits][rfc6585-5]") {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: yyyyyyyyyyyy\r\n\r\n";
    CHECK(!request_of(head + "content", {.head_octets_max = head.size()}).failure);
    const ParsedMessage refused = request_of(head, {.head_octets_max = head.size() - 1});
    CHECK(refused.failure == Errc::head_too_large);
    CHECK(refused.failure_octet == head.size() - 1);
    CHECK(http::status_of(Errc::head_too_large) == http::Status::request_header_fields_too_large);
}

TEST_CASE("limits: an endless target is refused at its limit, before the head's",
          "[http][limits][rfc9110-15.5.15]") {
    const Limits limits{.target_octets_max = 8};
    CHECK(request_of("GET /2345678 HTTP/1.1\r\nHost: a\r\n\r\n", limits).target == "/2345678");
    for (const std::string wire :
         {"GET /23456789 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /23456789", "GET /23456789\x01",
          "GET /2345678901234567890 HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/9"}) {
        const ParsedMessage refused = request_of(wire, limits);
        CAPTURE(wire);
        CHECK(refused.failure == Errc::target_too_long);
        CHECK(refused.failure_octet == 12);
    }
    CHECK(request_of("GET /23\x01", limits).failure == Errc::target_malformed);
    CHECK(request_of("GET /2345678 \x01", limits).failure == Errc::head_malformed);
}

TEST_CASE("limits: a target that fills the whole head is a matter of the target",
          "[http][limits]") {
    CHECK(request_of("GET /234567890123456789", {.head_octets_max = 20}).failure ==
          Errc::target_too_long);
}

TEST_CASE("limits: one field too many is refused", "[http][limits][rfc6585-5]") {
    const std::string two = "GET / HTTP/1.1\r\nHost: a\r\nB: b\r\n";
    CHECK(!request_of(two + "\r\n", {.fields_max = 2}).failure);
    CHECK(request_of(two + "C: c\r\n\r\n", {.fields_max = 2}).failure == Errc::fields_too_many);
}

TEST_CASE("limits: content that is declared too long is refused with its head still legible",
          "[http][limits][rfc9110-15.5.14]") {
    const std::string head = "PUT /big HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n";
    CHECK(!request_of(head, {.content_octets_max = 11}).failure);
    CHECK(request_of(head, {.content_octets_max = 10}).failure == Errc::content_too_large);

    const Limits limits{.content_octets_max = 10};
    http::MessageParser parser(limits);
    parser.begin_request();
    CHECK(!parser.feed_head(std::as_bytes(std::span(head))));
    CHECK(parser.target() == "/big");
}

TEST_CASE("limits: chunks that add up to too much are refused before the content that does",
          "[http][limits]") {
    const std::string wire =
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "6\r\n123456\r\n5\r\n78901\r\n0\r\n\r\n";
    CHECK(request_of(wire, {.content_octets_max = 11}).content == "12345678901");
    CHECK(request_of(wire, {.content_octets_max = 10}).failure == Errc::content_too_large);
}

TEST_CASE("limits: many small extensions hit the same bound as one large",
          "[http][limits][rfc9112-7.1.1]") {
    const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string small = "1;ab\r\nx\r\n1;cd\r\nx\r\n0;ef\r\n\r\n";
    const std::string large = "1;abcdef\r\nx\r\n0\r\n\r\n";
    for (const std::string& chunks : {small, large}) {
        CHECK(request_of(head + chunks, {.chunk_extension_octets_max = 6}).finished);
        CHECK(request_of(head + chunks, {.chunk_extension_octets_max = 5}).failure ==
              Errc::chunk_extension_too_large);
    }
}

TEST_CASE("limits: trailers have a bound in octets and in fields", "[http][limits]") {
    const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    const std::string trailers = "A: b\r\nC: d\r\nE: f\r\n\r\n";
    CHECK(request_of(head + trailers, {.trailer_octets_max = 20}).finished);
    CHECK(request_of(head + trailers, {.trailer_octets_max = 19}).failure ==
          Errc::trailers_too_large);
    CHECK(request_of(head + trailers, {.fields_max = 3}).finished);
    CHECK(request_of(head + trailers, {.fields_max = 2}).failure == Errc::trailers_too_large);
}

}  // namespace
}  // namespace sluice::tests
