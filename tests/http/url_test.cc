#include "sluice/http/url.h"

#include "sluice/tests/catch.h"

#include <string_view>
#include <unordered_set>

namespace sluice::http {
namespace {

TEST_CASE("url: its parts are those of the text", "[http][url][rfc3986-3]") {
    struct Row {
        std::string_view text;
        Scheme scheme;
        std::string_view host;
        std::uint16_t port;
        std::string_view authority;
        std::string_view target;
    };
    const Row rows[] = {
        {"http://a", Scheme::http, "a", 80, "a", "/"},
        {"HTTPS://Store.Example/o/Film?Q=1#part", Scheme::https, "store.example", 443,
         "store.example", "/o/Film?Q=1"},
        {"http://a:8080?q", Scheme::http, "a", 8080, "a:8080", "/?q"},
        {"http://a:80/", Scheme::http, "a", 80, "a", "/"},
        {"https://a:80/", Scheme::https, "a", 80, "a:80", "/"},
        {"http://a:/b", Scheme::http, "a", 80, "a", "/b"},
        {"http://127.0.0.1:1/", Scheme::http, "127.0.0.1", 1, "127.0.0.1:1", "/"},
        {"http://[2001:DB8::1]:8080/", Scheme::http, "2001:db8::1", 8080, "[2001:db8::1]:8080",
         "/"},
        {"http://[::ffff:1.2.3.4]/", Scheme::http, "::ffff:1.2.3.4", 80, "[::ffff:1.2.3.4]", "/"},
        {"http://a#b/c", Scheme::http, "a", 80, "a", "/"},
        {"http://a//b/../c?d?e", Scheme::http, "a", 80, "a", "//b/../c?d?e"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Result<Url> url = Url::parse(row.text);
        REQUIRE(url);
        CHECK(url->scheme() == row.scheme);
        CHECK(url->host() == row.host);
        CHECK(url->port() == row.port);
        CHECK(url->authority() == row.authority);
        CHECK(url->target() == row.target);
        CHECK(Url::parse(url->text()) == url);
    }
    CHECK(Url::parse("http://a/b?c=d?e")->path() == "/b");
    CHECK(Url::parse("http://a/b?c=d?e")->query() == "c=d?e");
    CHECK(Url::parse("http://a/b")->query().empty());
}

TEST_CASE("url: what is no absolute URL of HTTP is refused", "[http][url][rfc9110-4.2]") {
    for (const std::string_view text : {"",
                                        "a",
                                        "/a",
                                        "//a/b",
                                        "a:80",
                                        "ftp://a/",
                                        "http:/a",
                                        "http//a",
                                        "http://",
                                        "http:///b",
                                        "http://?a",
                                        "http://u@a/",
                                        "http://u:p@a/",
                                        "http://a:b/",
                                        "http://a:65536/",
                                        "http://a:0/",
                                        "http://a:-1/",
                                        "http://a:+1/",
                                        "http://a:1:2/",
                                        "http://[::1/",
                                        "http://::1/",
                                        "http://[::1]a/",
                                        "http://[1::2::3]/",
                                        "http://[12345::]/",
                                        "http://[1:2:3:4:5:6:7:8:9]/",
                                        "http://[1:2:3]/",
                                        "http://[v1.a]/",
                                        "http://[]/",
                                        "http://[::1%25eth0]/",
                                        "http://a b/",
                                        "http://a/b c",
                                        "http://a/\r\nX: y",
                                        "http://a/\xc3\xa4",
                                        "http://a\\b/",
                                        "http://a%zz/",
                                        " http://a/",
                                        "http://a/\x7f"}) {
        CAPTURE(text);
        const Result<Url> url = Url::parse(text);
        REQUIRE(!url);
        CHECK(url.error().code == Errc::url_malformed);
    }
}

TEST_CASE("url: origins are equal exactly if their connections may be shared", "[http][url]") {
    const Origin origin = Url::parse("http://A/x")->origin();
    CHECK(origin == Url::parse("http://a:80/y")->origin());
    CHECK(origin != Url::parse("https://a:80/")->origin());
    CHECK(origin != Url::parse("http://a:81/")->origin());
    CHECK(origin != Url::parse("http://b/")->origin());
    std::unordered_set<Origin> set{origin};
    CHECK(set.contains(Url::parse("HTTP://a/z")->origin()));
}

TEST_CASE("url: a reference is resolved as a browser would", "[http][url][rfc3986-5.4]") {
    struct Row {
        std::string_view reference;
        std::string_view resolved;
    };
    const Row rows[] = {
        {"g", "http://a/b/c/g"},        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},      {"/g", "http://a/g"},
        {"//g", "http://g/"},           {"?y", "http://a/b/c/d?y"},
        {"g?y", "http://a/b/c/g?y"},    {"#s", "http://a/b/c/d?q"},
        {"g#s", "http://a/b/c/g"},      {"", "http://a/b/c/d?q"},
        {".", "http://a/b/c/"},         {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},          {"../g", "http://a/b/g"},
        {"../..", "http://a/"},         {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},         {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},      {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},     {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},   {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"https://h/i", "https://h/i"}, {"/g:h", "http://a/g:h"},
    };
    const Result<Url> base = Url::parse("http://a/b/c/d?q");
    REQUIRE(base);
    for (const Row& row : rows) {
        CAPTURE(row.reference);
        const Result<Url> resolved = base->resolve(row.reference);
        REQUIRE(resolved);
        CHECK(resolved->text() == row.resolved);
    }
    CHECK(!base->resolve("mailto:a"));
    CHECK(!base->resolve("http:g"));
    CHECK(!base->resolve("/a b"));
}

TEST_CASE("url: percent coding is undone exactly or not at all", "[http][url][rfc3986-2.1]") {
    CHECK(percent_decode("a%20b%2Fc%2f%00") == std::string("a b/c/\0", 7));
    CHECK(percent_decode("a+b") == "a+b");
    for (const std::string_view text : {"%", "%2", "%2g", "%g2", "a%", "%%20"}) {
        CAPTURE(text);
        CHECK(!percent_decode(text));
    }
    CHECK(percent_encode("a b/\xc3\xa4~") == "a%20b%2F%C3%A4~");
    CHECK(percent_encode("a b/c", "/") == "a%20b/c");
    CHECK(percent_encode(std::string_view("\0\r\n", 3)) == "%00%0D%0A");
}

}  // namespace
}  // namespace sluice::http
