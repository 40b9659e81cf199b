// Rules of the chunked coding are tested through the parser; here the decoder is held against
// another reader of the same octets, and against its promise about what a step gives.

#include "sluice/http/chunked_decoder.h"

#include "sluice/http/octets.h"
#include "sluice/tests/catch.h"

#include <llhttp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {
namespace {

// The content of a chunked stream; none if it is refused or does not end.
std::optional<std::string> decode(std::string_view wire) {
    const Limits limits;
    ChunkedDecoder decoder(limits);
    std::string content;
    std::span<const std::byte> rest = std::as_bytes(std::span(wire));
    while (!rest.empty()) {
        const Result<ChunkedDecoder::Step> step = decoder.decode(rest);
        if (!step) {
            return std::nullopt;
        }
        content += text_of(step->content);
        rest = rest.subspan(step->consumed);
        if (step->finished) {
            return text_of(rest).starts_with("\r\n") ? std::optional(content) : std::nullopt;
        }
    }
    return std::nullopt;
}

std::optional<std::string> decode_by_llhttp(std::string_view wire) {
    struct Reading {
        std::string content;
        bool finished = false;
    } reading;
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_body = [](llhttp_t* llhttp, const char* at, std::size_t size) {
        static_cast<Reading*>(llhttp->data)->content.append(at, size);
        return 0;
    };
    settings.on_message_complete = [](llhttp_t* llhttp) -> int {
        static_cast<Reading*>(llhttp->data)->finished = true;
        return HPE_PAUSED;
    };
    llhttp_t llhttp;
    llhttp_init(&llhttp, HTTP_REQUEST, &settings);
    llhttp.data = &reading;
    const std::string message =
        "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(wire);
    llhttp_execute(&llhttp, message.data(), message.size());
    return reading.finished ? std::optional(reading.content) : std::nullopt;
}

TEST_CASE("chunked decoder: what it takes, llhttp takes too, and finds the same content",
          "[http][property][smuggling]") {
    const std::string_view whole =
        "5\r\nhello\r\n0a;name=\"v\"\r\n0123456789\r\n1\r\n\r\r\n0\r\n\r\n";
    REQUIRE(decode(whole) == "hello0123456789\r");
    REQUIRE(decode_by_llhttp(whole) == decode(whole));
    int taken = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (int value = 0; value < 256; ++value) {
            std::string changed(whole);
            changed[at] = static_cast<char>(value);
            std::string longer(whole);
            longer.insert(at, 1, static_cast<char>(value));
            for (const std::string& wire : {changed, longer}) {
                const std::optional<std::string> content = decode(wire);
                // llhttp 8 refuses two things that RFC 9112 7.1.1 allows: an extension behind one
                // that has a value, and a quoted pair.
                const bool llhttp_refuses =
                    wire.find(';', wire.find('=')) != std::string::npos || wire.contains('\\');
                if (content && !llhttp_refuses && decode_by_llhttp(wire) != content) {
                    CAPTURE(at, value, wire);
                    FAIL("two readers differ");
                }
                taken += content ? 1 : 0;
            }
        }
    }
    CHECK(taken > 1000);  // Else nothing was compared.
}

TEST_CASE("chunked decoder: a step gives one run of content, which is a part of its input",
          "[http][rfc9112-7.1]") {
    const std::string_view wire = "3\r\nabc\r\n2\r\nde\r\n0\r\nrest";
    const std::span<const std::byte> input = std::as_bytes(std::span(wire));
    const Limits limits;
    ChunkedDecoder decoder(limits);

    const Result<ChunkedDecoder::Step> first = decoder.decode(input);
    REQUIRE(first);
    CHECK(text_of(first->content) == "abc");
    CHECK(first->content.data() == input.data() + 3);
    CHECK(first->consumed == 6);

    const Result<ChunkedDecoder::Step> second = decoder.decode(input.subspan(6));
    REQUIRE(second);
    CHECK(text_of(second->content) == "de");
    CHECK(second->consumed == 7);
    CHECK(!second->finished);

    const Result<ChunkedDecoder::Step> third = decoder.decode(input.subspan(13));
    REQUIRE(third);
    CHECK(third->content.empty());
    CHECK(third->finished);
    CHECK(third->consumed == 5);
    CHECK(decoder.octets() == 18);
}

}  // namespace
}  // namespace sluice::http
