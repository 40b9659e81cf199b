#include "sluice/runtime/endpoint.h"

#include "sluice/tests/catch.h"

#include <string>

namespace sluice::tests {
namespace {

TEST_CASE("endpoint: what it prints it reads", "[runtime][endpoint]") {
    const std::string text = GENERATE(as<std::string>(), "127.0.0.1:80", "0.0.0.0:0",
                                      "255.255.255.255:65535", "[::1]:8080", "[2001:db8::17]:443");
    const std::optional<Endpoint> endpoint = Endpoint::parse(text);
    REQUIRE(endpoint.has_value());
    CHECK(endpoint->text() == text);
    CHECK(Endpoint::from(endpoint->address()) == *endpoint);
}

TEST_CASE("endpoint: what is no numeric address and port is refused", "[runtime][endpoint]") {
    const std::string text =
        GENERATE(as<std::string>(), "", ":", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                 "127.0.0.1:-1", "127.0.0.1: 80", "127.0.0.1:80 ", "127.0.0.1:0x50", "1.2.3:80",
                 "1.2.3.4.5:80", "localhost:80", "::1:80", "[::1]", "[127.0.0.1]:80", "[::1:80");
    CAPTURE(text);
    CHECK(!Endpoint::parse(text).has_value());
}

TEST_CASE("endpoint: the port can be told and changed, the rest stays", "[runtime][endpoint]") {
    const Endpoint v4 = Endpoint::loopback(80);
    CHECK(v4.port() == 80);
    CHECK(v4.family() == AF_INET);
    CHECK(v4.with_port(81).text() == "127.0.0.1:81");
    const Endpoint v6 = Endpoint::parse_address("::1", 80).value();
    CHECK(v6.family() == AF_INET6);
    CHECK(v6.with_port(81).text() == "[::1]:81");
    CHECK(!(v4 == v4.with_port(81)));
    CHECK(!(v4 == v6));
    CHECK(Endpoint::any(80).text() == "0.0.0.0:80");
}

TEST_CASE("endpoint: IPv4 has a name in IPv6, and nothing else is changed by it",
          "[runtime][endpoint]") {
    const Endpoint four = Endpoint::parse("192.0.2.1:80").value();
    const Endpoint mapped = Endpoint::parse("[::ffff:192.0.2.1]:80").value();
    CHECK(four.mapped() == mapped);
    CHECK(mapped.unmapped() == four);
    CHECK(mapped.mapped() == mapped);
    CHECK(four.unmapped() == four);
    const Endpoint six = Endpoint::parse("[2001:db8::1]:80").value();
    CHECK(six.mapped() == six);
    CHECK(six.unmapped() == six);
    CHECK(Endpoint().mapped() == Endpoint());
    CHECK(Endpoint().unmapped() == Endpoint());
}

TEST_CASE("endpoint: none is none", "[runtime][endpoint]") {
    const Endpoint none;
    CHECK(none.family() == AF_UNSPEC);
    CHECK(none.port() == 0);
    CHECK(none.address_octets() == 0);
    CHECK(none.text() == "-");
    CHECK(none == Endpoint());
    CHECK(none.with_port(80) == none);
    CHECK(!Endpoint::parse_address("example.com", 80).has_value());
}

}  // namespace
}  // namespace sluice::tests
