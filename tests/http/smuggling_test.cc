// The shapes by which one message is made to be read as two, and all their kin: each is refused, at
// the octet where it stops being HTTP, however the network cuts it.

#include "sluice/tests/catch.h"
#include "sluice/tests/http/parsed_message.h"

#include <string>
#include <string_view>

namespace sluice::tests {
namespace {

using namespace std::string_view_literals;
using http::Errc;
using http::Method;

struct Refused {
    const char* why;
    std::string_view wire;
    Errc failure;
};

void check_refused(const Refused& row, const ParsedMessage& message) {
    INFO("why: " << row.why);
    INFO("wire: " << row.wire);
    REQUIRE(message.failure.has_value());
    CHECK(http::describe(*message.failure) == http::describe(row.failure));
    CHECK(message.failure_octet <= row.wire.size());
    CHECK(http::status_of(*message.failure).has_value());
}

constexpr Refused framing_rows[] = {
    {"both framings",
     "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"both framings, the other way round",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"both, and the coding unknown",
     "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: x\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"two lengths that differ",
     "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"two lengths that agree",
     "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"two lengths, the case differs",
     "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"a list of lengths", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n"sv,
     Errc::length_malformed},
    {"a plus sign", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n"sv,
     Errc::length_malformed},
    {"a minus sign", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n"sv,
     Errc::length_malformed},
    {"a hexadecimal length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n"sv,
     Errc::length_malformed},
    {"a blank inside the length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 3\r\n\r\n"sv,
     Errc::length_malformed},
    {"a length with a fraction", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3.0\r\n\r\n"sv,
     Errc::length_malformed},
    {"no length in the length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"sv,
     Errc::length_malformed},
    {"a length one above 64 bits",
     "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n"sv,
     Errc::length_malformed},
    {"a length that wraps to 3",
     "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551619\r\n\r\n"sv,
     Errc::length_malformed},
    {"chunked twice in a list",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"chunked in two fields",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
     "Transfer-Encoding: chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"chunked not last", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"chunked behind another coding",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"chunked in the second field",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n"
     "Transfer-Encoding: chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"chunked with a comma behind it",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n"sv, Errc::framing_ambiguous},
    {"chunked with a parameter",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"chunked in quotes", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"chunked behind a vertical tab",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \vchunked\r\n\r\n"sv, Errc::head_malformed},
    {"no coding at all", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"almost chunked", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"sv,
     Errc::transfer_coding_unsupported},
    {"another coding", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"sv,
     Errc::transfer_coding_unsupported},
    {"the coding that never was",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"sv,
     Errc::transfer_coding_unsupported},
    {"chunked in HTTP/1.0", "PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"content of a CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"chunked content of a CONNECT",
     "CONNECT a:80 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
};

TEST_CASE("smuggling: a request whose content could end in two places is refused",
          "[http][smuggling][rfc9112-6.3][rfc9112-11.2]") {
    for (const Refused& row : framing_rows) {
        check_refused(row, request_of(row.wire));
    }
}

constexpr Refused line_rows[] = {
    {"a bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"sv,
     Errc::head_malformed},
    {"a bare CR behind the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n"sv,
     Errc::head_malformed},
    {"a bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a bare CR behind a field", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a bare LF behind a length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\nX: y\r\n\r\n"sv,
     Errc::head_malformed},
    {"a bare CR behind a length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\rX: y\r\n\r\n"sv,
     Errc::head_malformed},
    {"a bare LF behind Connection",
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a bare LF behind an empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\nY: y\r\n\r\n"sv,
     Errc::head_malformed},
    {"a bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"sv, Errc::head_malformed},
    {"a bare CR at the end", "GET / HTTP/1.1\r\nHost: a\r\n\rX"sv, Errc::head_malformed},
    {"two CRs", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"sv, Errc::head_malformed},
    {"lines that end with LF alone", "GET / HTTP/1.1\nHost: a\n\n"sv, Errc::head_malformed},
    {"a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"sv, Errc::head_malformed},
    {"a line folded by a tab", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n"sv,
     Errc::head_malformed},
    {"a folded empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n z\r\n\r\n"sv,
     Errc::head_malformed},
    {"a folded blank line", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n \r\n\r\n"sv,
     Errc::head_malformed},
    {"a folded length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n 2\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"a folded coding", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"sv,
     Errc::head_malformed},
    {"a folded Connection", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n x\r\n\r\n"sv,
     Errc::head_malformed},
    {"a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"sv, Errc::head_malformed},
    {"a tab before the colon", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"sv, Errc::head_malformed},
    {"a blank before the colon of a coding",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n"sv, Errc::head_malformed},
    {"a blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"sv,
     Errc::head_malformed},
    {"a blank line of blanks before the first field", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"sv,
     Errc::head_malformed},
    {"a blank inside a name", "GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n"sv,
     Errc::head_malformed},
    {"no name", "GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n"sv, Errc::head_malformed},
    {"no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"sv, Errc::head_malformed},
    {"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n"sv, Errc::head_malformed},
    {"NUL in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n"sv, Errc::head_malformed},
    {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::target_malformed},
    {"a control octet in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"sv,
     Errc::head_malformed},
    {"a control octet deep in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789\x1f\r\n\r\n"sv,
     Errc::head_malformed},
    {"DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n"sv, Errc::head_malformed},
    {"a form feed behind a value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\f\r\n\r\n"sv,
     Errc::head_malformed},
    {"an octet above 0x7F in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\x80: y\r\n\r\n"sv,
     Errc::head_malformed},
    {"a brace in a name", "GET / HTTP/1.1\r\nHost: a\r\nX{: y\r\n\r\n"sv, Errc::head_malformed},
};

TEST_CASE("smuggling: a line that another parser could end or join elsewhere is refused",
          "[http][smuggling][rfc9112-2.2][rfc9112-5]") {
    for (const Refused& row : line_rows) {
        check_refused(row, request_of(row.wire));
    }
}

constexpr Refused start_rows[] = {
    {"two blanks behind the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a tab behind the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"two blanks behind the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a tab behind the target", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::target_malformed},
    {"a blank behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a blank inside the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::target_malformed},
    {"a fragment behind a query", "GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     Errc::target_malformed},
    {"an octet above 0x7F in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     Errc::target_malformed},
    {"DEL in the target", "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::target_malformed},
    {"a relative target", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::target_malformed},
    {"an asterisk that is not of OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     Errc::target_malformed},
    {"an authority that is not of CONNECT", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     Errc::target_malformed},
    {"a path in a CONNECT", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::target_malformed},
    {"a CONNECT without a port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::target_malformed},
    {"user information in an absolute target", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     Errc::target_malformed},
    {"no host in an absolute target", "GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     Errc::target_malformed},
    {"no version", "GET /\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"sv, Errc::version_unsupported},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"sv, Errc::version_unsupported},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"sv, Errc::version_unsupported},
    {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n"sv, Errc::version_unsupported},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv, Errc::version_unsupported},
    {"a minor version of two digits", "GET / HTTP/1.12\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a version that is no number", "GET / HTTP/x.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"another protocol", "DESCRIBE / RTSP/1.0\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"another protocol with a known method", "SOURCE / ICE/1.0\r\nHost: a\r\n\r\n"sv,
     Errc::head_malformed},
    {"a method in lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::method_unknown},
    {"an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::method_unknown},
    {"a method that goes on", "GETS / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::method_unknown},
    {"a method cut short", "GE / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::method_unknown},
    {"a method with a comma", "GET,PUT / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a handshake of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, Errc::head_malformed},
    {"two empty lines before it", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     Errc::head_malformed},
    {"a bare LF before it", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a bare CR before it", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"an empty line and a bare LF before it", "\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     Errc::head_malformed},
    {"a blank before it", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"sv, Errc::head_malformed},
    {"a response where a request should be", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"sv,
     Errc::method_unknown},
};

TEST_CASE("smuggling: a request line that is not exactly one is refused",
          "[http][smuggling][rfc9112-3]") {
    for (const Refused& row : start_rows) {
        check_refused(row, request_of(row.wire));
    }
}

constexpr Refused host_rows[] = {
    {"no Host", "GET / HTTP/1.1\r\n\r\n"sv, Errc::host_invalid},
    {"two that differ", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"sv, Errc::host_invalid},
    {"two that agree", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"sv, Errc::host_invalid},
    {"two in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"sv, Errc::host_invalid},
    {"two in a list", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"sv, Errc::host_invalid},
    {"a path in it", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"sv, Errc::host_invalid},
    {"a scheme in it", "GET / HTTP/1.1\r\nHost: http://a\r\n\r\n"sv, Errc::host_invalid},
    {"user information in it", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"sv, Errc::host_invalid},
    {"a port that is no number", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"sv, Errc::host_invalid},
    {"a port above 65535", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"sv, Errc::host_invalid},
    {"two ports", "GET / HTTP/1.1\r\nHost: a:80:81\r\n\r\n"sv, Errc::host_invalid},
    {"an address without its bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"sv,
     Errc::host_invalid},
    {"text behind the bracket", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"sv, Errc::host_invalid},
    {"an address without brackets", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"sv, Errc::host_invalid},
    {"an octet above 0x7F", "GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n"sv, Errc::host_invalid},
    {"missing beside an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n"sv, Errc::host_invalid},
};

TEST_CASE("smuggling: a request for more or less than one valid host is refused",
          "[http][smuggling][rfc9112-3.2]") {
    for (const Refused& row : host_rows) {
        check_refused(row, request_of(row.wire));
    }
}

constexpr Refused chunk_rows[] = {
    {"no digit", "\r\nx"sv, Errc::chunk_malformed},
    {"a sign", "+1\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a negative size", "-1\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a prefix", "0x1\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a blank before the size", " 1\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a blank behind the size", "1 \r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a bare LF behind the size", "1\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a bare CR behind the size", "1\rx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a bare LF in an extension", "1;a\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a bare LF in a quoted extension", "1;a=\"\n\"\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a bare CR in an extension", "1;a\rx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"NUL in an extension", "1;a\0\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"an extension without a name", "1;\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"an extension without its value", "1;a=\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a blank in an extension", "1; a\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"text behind a quoted extension", "1;a=\"b\"c\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a quoted extension that does not end", "1;a=\"b\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a seventeenth digit", "00000000000000001\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a size above 64 bits", "10000000000000001\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"sizes whose sum wraps", "1\r\nx\r\nffffffffffffffff\r\nx\r\n"sv, Errc::content_too_large},
    {"content longer than its chunk", "1\r\nxy\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"content shorter than its chunk", "2\r\nx\r\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a bare LF behind the content", "1\r\nx\n0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a bare CR behind the content", "1\r\nx\r0\r\n\r\n"sv, Errc::chunk_malformed},
    {"a bare LF behind the last chunk", "0\n\r\n"sv, Errc::chunk_malformed},
    {"a bare LF behind the trailers", "0\r\n\n"sv, Errc::trailers_malformed},
    {"a bare LF behind a trailer", "0\r\nX: y\nZ: z\r\n\r\n"sv, Errc::trailers_malformed},
    {"a bare CR behind a trailer", "0\r\nX: y\rZ: z\r\n\r\n"sv, Errc::trailers_malformed},
    {"a folded trailer", "0\r\nX: y\r\n z\r\n\r\n"sv, Errc::trailers_malformed},
    {"a trailer that starts with a blank", "0\r\n X: y\r\n\r\n"sv, Errc::trailers_malformed},
    {"a blank before a trailer's colon", "0\r\nX : y\r\n\r\n"sv, Errc::trailers_malformed},
    {"a trailer without a name", "0\r\n: y\r\n\r\n"sv, Errc::trailers_malformed},
    {"NUL in a trailer", "0\r\nX: \0\r\n\r\n"sv, Errc::trailers_malformed},
    {"a length among the trailers", "0\r\nContent-Length: 3\r\n\r\n"sv, Errc::trailers_malformed},
    {"a coding among the trailers", "0\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     Errc::trailers_malformed},
    {"Host among the trailers", "0\r\nHost: b\r\n\r\n"sv, Errc::trailers_malformed},
    {"a request in the place of the trailers", "0\r\nGET / HTTP/1.1\r\n\r\n"sv,
     Errc::trailers_malformed},
};

TEST_CASE("smuggling: chunks and trailers that another parser could read differently are refused",
          "[http][smuggling][rfc9112-7.1][rfc9112-11.2]") {
    for (const Refused& row : chunk_rows) {
        const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        check_refused(row, request_of(head + std::string(row.wire)));
        const std::string response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        check_refused(row, response_of(response + std::string(row.wire)));
    }
}

constexpr Refused response_rows[] = {
    {"both framings",
     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"sv,
     Errc::transfer_coding_unsupported},
    {"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     Errc::framing_ambiguous},
    {"a bare LF behind the status line", "HTTP/1.1 200 OK\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a bare CR behind the status line", "HTTP/1.1 200 OK\rX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a bare LF behind the code", "HTTP/1.1 200\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"NUL in the reason", "HTTP/1.1 200 O\0K\r\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a control octet in the reason", "HTTP/1.1 200 O\x01K\r\nX: y\r\n\r\n"sv,
     Errc::head_malformed},
    {"a code of two digits", "HTTP/1.1 20 OK\r\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a code of four digits", "HTTP/1.1 2000 OK\r\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a code below 100", "HTTP/1.1 099 OK\r\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a sign in the code", "HTTP/1.1 +20 OK\r\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"two blanks before the code", "HTTP/1.1  200 OK\r\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"HTTP/2.0", "HTTP/2.0 200 OK\r\nX: y\r\n\r\n"sv, Errc::version_unsupported},
    {"another protocol", "ICY 200 OK\r\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"an empty line before it", "\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n"sv, Errc::head_malformed},
    {"a folded line", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n"sv, Errc::head_malformed},
};

TEST_CASE("smuggling: a response that could be read in two ways is refused",
          "[http][smuggling][rfc9112-6.3]") {
    for (const Refused& row : response_rows) {
        check_refused(row, response_of(row.wire));
        check_refused(row, response_of(row.wire, Method::head));
    }
}

TEST_CASE(
    "smuggling: each of the 256 octets stands in a name, a value and a target as RFC 9110 says",
    "[http][smuggling][rfc9110-5]") {
    constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
    for (int value = 0; value < 256; ++value) {
        const char octet = static_cast<char>(value);
        const bool is_visible = value > 0x20 && value < 0x7f;
        const bool is_letter = (octet >= '0' && octet <= '9') || (octet >= 'a' && octet <= 'z') ||
                               (octet >= 'A' && octet <= 'Z');
        const bool in_token = is_letter || (value != 0 && token_marks.contains(octet));
        const bool in_value = is_visible || octet == ' ' || octet == '\t' || value >= 0x80;
        CAPTURE(value);

        const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
        const std::string name = start + "N" + octet + "n: v\r\n\r\n";
        // A colon ends the name, and what follows is its value.
        CHECK(request_of(name).failure.has_value() == !(in_token || octet == ':'));
        const std::string field = start + "N: v" + octet + "v\r\n\r\n";
        CHECK(request_of(field).failure.has_value() == !in_value);
        const std::string target = std::string("GET /t") + octet + "t HTTP/1.1\r\nHost: a\r\n\r\n";
        CHECK(request_of(target).failure.has_value() == !(is_visible && octet != '#'));
    }
}

}  // namespace
}  // namespace sluice::tests
