#include "sluice/http/head_writer.h"

#include "sluice/tests/catch.h"
#include "sluice/tests/http/parsed_message.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {
namespace {

using tests::ParsedMessage;

template <typename Head>
std::string written(const Head& head) {
    std::vector<char> exact(octets_of(head));
    CHECK(write_head(head, exact) == exact.size());
    std::string appended = "before";
    append_head(head, appended);
    CHECK(appended == "before" + std::string(exact.begin(), exact.end()));
    return {exact.begin(), exact.end()};
}

TEST_CASE("head writer: a response says date, fields, framing and connection, once each",
          "[http][rfc9112-4]") {
    Fields fields;
    REQUIRE(fields.add("Content-Type", "text/plain"));
    ResponseHead head{.status = Status::created,
                      .framing = Framing::of_length(13),
                      .connection = Connection::close,
                      .date = "Sun, 06 Nov 1994 08:49:37 GMT",
                      .fields = &fields};
    CHECK(written(head) ==
          "HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          "Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\n");
    REQUIRE(fields.add("date", "Mon, 07 Nov 1994 08:49:37 GMT"));
    CHECK(!written(head).contains("Sun, 06"));
}

TEST_CASE("head writer: a request says host, fields, framing, expectation and connection",
          "[http][rfc9112-3]") {
    Fields fields;
    REQUIRE(fields.add("Accept", "*/*"));
    CHECK(written(RequestHead{.method = Method::put,
                              .target = "/o/a?b",
                              .host = "store.example:8080",
                              .framing = Framing::chunked(),
                              .connection = Connection::keep_alive,
                              .expect_continue = true,
                              .fields = &fields}) ==
          "PUT /o/a?b HTTP/1.1\r\nHost: store.example:8080\r\nAccept: */*\r\n"
          "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: keep-alive\r\n\r\n");
    CHECK(written(RequestHead{.method = Method::other,
                              .method_text = "REPORT",
                              .target = "/",
                              .host = "a",
                              .connection = Connection::upgrade,
                              .upgrade = "websocket"}) ==
          "REPORT / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("head writer: a message without content says so where its absence would mean otherwise",
          "[http][rfc9110-8.6]") {
    const auto request = [](Method method) {
        return written(RequestHead{.method = method, .target = "/", .host = "a"});
    };
    CHECK(request(Method::put).contains("Content-Length: 0\r\n"));
    CHECK(request(Method::post).contains("Content-Length: 0\r\n"));
    CHECK(!request(Method::get).contains("Content-Length"));
    CHECK(!request(Method::delete_).contains("Content-Length"));
    CHECK(written(ResponseHead{}).contains("Content-Length: 0\r\n"));
}

TEST_CASE("head writer: a response never frames content where there can be none",
          "[http][rfc9112-6.3]") {
    for (const Framing framing : {Framing::none(), Framing::of_length(5), Framing::chunked()}) {
        for (const Status status : {Status::continue_, Status::early_hints, Status::no_content}) {
            const std::string head = written(ResponseHead{.status = status, .framing = framing});
            CHECK(!head.contains("Content-Length"));
            CHECK(!head.contains("Transfer-Encoding"));
        }
        const std::string tunnel =
            written(ResponseHead{.framing = framing, .request_method = Method::connect});
        CHECK(!tunnel.contains("Content-Length"));
        CHECK(!tunnel.contains("Transfer-Encoding"));
    }
    CHECK(written(ResponseHead{.framing = Framing::of_length(5), .request_method = Method::head})
              .contains("Content-Length: 5\r\n"));
    CHECK(written(ResponseHead{.status = Status::not_modified, .framing = Framing::of_length(5)})
              .contains("Content-Length: 5\r\n"));
    CHECK(!written(ResponseHead{.request_method = Method::head}).contains("Content-Length"));
}

TEST_CASE("head writer: content that ends with the stream says that the connection closes",
          "[http][rfc9112-9.3]") {
    const std::string head = written(ResponseHead{.framing = Framing::close()});
    CHECK(head.contains("Connection: close\r\n"));
    CHECK(!head.contains("Content-Length"));
}

TEST_CASE("head writer: a code without a reason keeps its blank", "[http][rfc9112-4]") {
    CHECK(
        written(ResponseHead{.status = static_cast<Status>(299)}).starts_with("HTTP/1.1 299 \r\n"));
    CHECK(written(ResponseHead{.status = Status::content_too_large})
              .starts_with("HTTP/1.1 413 Content Too Large\r\n"));
}

// The generator of the tests: small, and the same everywhere.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t below(std::uint64_t bound) {
        state_ += 0x9E3779B97F4A7C15u;
        std::uint64_t mixed = (state_ ^ (state_ >> 30)) * 0xBF58476D1CE4E5B9u;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
        return (mixed ^ (mixed >> 31)) % bound;
    }

    std::string text(std::string_view alphabet, std::size_t octets_min, std::size_t octets_max) {
        std::string text(octets_min + below(octets_max - octets_min + 1), ' ');
        for (char& octet : text) {
            octet = alphabet[below(alphabet.size())];
        }
        return text;
    }

private:
    std::uint64_t state_;
};

Fields random_fields(Random& random) {
    constexpr std::string_view name_octets = "abcXYZ019-_!~";
    constexpr std::string_view value_octets = "abc ,;=\"\t\xc3\xa4:\\/";
    Fields fields;
    for (std::uint64_t left = random.below(6); left > 0; --left) {
        REQUIRE(fields.add(random.text(name_octets, 1, 12), random.text(value_octets, 0, 24)));
    }
    return fields;
}

void check_fields(const Fields& sent, const tests::FieldList& received, std::size_t skipped) {
    REQUIRE(received.size() >= sent.size() + skipped);
    for (std::size_t index = 0; index < sent.size(); ++index) {
        CHECK(received[index + skipped].first == sent.view()[index].name);
        CHECK(received[index + skipped].second == sent.view()[index].value);
    }
}

// Puts `content` into chunks of every size, and ends it with the trailers.
std::string chunked(Random& random, std::string_view content, const Fields& trailers) {
    std::string wire;
    while (!content.empty()) {
        const std::size_t octets = 1 + random.below(content.size());
        std::array<char, chunk_head_octets_max> head{};
        wire.append(chunk_head(octets, head)).append(content.substr(0, octets)).append(chunk_end);
        content.remove_prefix(octets);
    }
    std::string end(last_chunk_octets(trailers), '\0');
    CHECK(write_last_chunk(trailers, end) == end.size());
    return wire + end;
}

TEST_CASE("head writer: what is written is read back, whatever was to be said",
          "[http][property]") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const Fields fields = random_fields(random);
        const Fields trailers = random_fields(random);
        const std::string content = random.text("abc\r\n0", 0, 40);
        const bool is_chunked = random.below(2) == 0;
        const Framing framing =
            is_chunked ? Framing::chunked() : Framing::of_length(content.size());
        const std::string body = is_chunked ? chunked(random, content, trailers) : content;

        const RequestHead request{.method = Method::put,
                                  .target = "/o/x",
                                  .host = "a",
                                  .framing = framing,
                                  .expect_continue = random.below(2) == 0,
                                  .fields = &fields};
        const ParsedMessage sent = tests::request_of(written(request) + body);
        CHECK(!sent.failure);
        CHECK(sent.finished);
        CHECK(sent.content == content);
        CHECK(sent.framing == framing);
        CHECK(sent.expect_continue == (request.expect_continue && !framing.ends_with_head()));
        check_fields(fields, sent.fields, 1);

        const ResponseHead response{.status = Status::ok, .framing = framing, .fields = &fields};
        const ParsedMessage answered = tests::response_of(written(response) + body);
        CHECK(!answered.failure);
        CHECK(answered.finished);
        CHECK(answered.content == content);
        check_fields(fields, answered.fields, 0);
        if (is_chunked) {
            check_fields(trailers, answered.trailers, 0);
        }
    }
}

TEST_CASE("head writer: the room asked for a response's head is enough, for every status",
          "[http]") {
    for (std::uint16_t code = 100; code <= 599; ++code) {
        const ResponseHead head{.status = static_cast<Status>(code),
                                .framing = Framing::of_length(~std::uint64_t{0}),
                                .connection = Connection::upgrade,
                                .upgrade = "an-upgrade/1.0, another-upgrade/2.0",
                                .date = "Sun, 06 Nov 1994 08:49:37 GMT"};
        CAPTURE(code);
        CHECK(octets_max_of(head) >= octets_of(head));
    }
}

TEST_CASE("head writer: a chunk's line holds the greatest size", "[http][rfc9112-7.1]") {
    std::array<char, chunk_head_octets_max> out{};
    CHECK(chunk_head(10, out) == "a\r\n");
    CHECK(chunk_head(~std::uint64_t{0}, out) == "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace sluice::http
