#include "sluice/runtime/endpoint.h"

#include "sluice/tests/catch.h"

#include <sys/un.h>

#include <cerrno>
#include <string>

namespace sluice::tests {
namespace {

TEST_CASE("endpoint: what it prints it reads", "[runtime][endpoint]") {
    const std::string text = GENERATE(as<std::string>(), "127.0.0.1:80", "0.0.0.0:0",
                                      "255.255.255.255:65535", "[::1]:8080", "[2001:db8::17]:443",
                                      "unix:/run/store.sock", "unix:here", "unix:@store");
    const Result<Endpoint> endpoint = Endpoint::parse(text);
    REQUIRE(endpoint.has_value());
    CHECK(endpoint->text() == text);
    CHECK(Endpoint::from(endpoint->address(), endpoint->address_octets()) == *endpoint);
}

TEST_CASE("endpoint: what is no numeric address and port is refused", "[runtime][endpoint]") {
    const std::string text =
        GENERATE(as<std::string>(), "", ":", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                 "127.0.0.1:-1", "127.0.0.1: 80", "127.0.0.1:80 ", "127.0.0.1:0x50", "1.2.3:80",
                 "1.2.3.4.5:80", "localhost:80", "::1:80", "[::1]", "[127.0.0.1]:80", "[::1:80");
    CAPTURE(text);
    const Result<Endpoint> endpoint = Endpoint::parse(text);
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().code == Errc::invalid);
    CHECK(endpoint.error().os_errno == 0);
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

TEST_CASE("endpoint: a Unix socket has a name that the kernel takes", "[runtime][endpoint]") {
    const Endpoint path = Endpoint::unix_socket("/run/store.sock").value();
    CHECK(path.family() == AF_UNIX);
    CHECK(path.unix_path() == "/run/store.sock");
    CHECK(path == Endpoint::unix_socket("/run/store.sock").value());
    CHECK(!(path == Endpoint::unix_socket("@/run/store.sock").value()));
    CHECK(Endpoint::unix_socket("@store")->unix_path().empty());
    CHECK(Endpoint::loopback(80).unix_path().empty());
    CHECK(Endpoint::unix_socket(std::string(107, 'x')));
    const auto [bad, os_errno] = GENERATE(table<std::string, int>({
        {"", 0},
        {"@", 0},
        {std::string("a\0b", 3), 0},
        {std::string(108, 'x'), ENAMETOOLONG},
        {"@" + std::string(107, 'x'), ENAMETOOLONG},
    }));
    CAPTURE(bad);
    for (const Result<Endpoint>& endpoint :
         {Endpoint::unix_socket(bad), Endpoint::parse("unix:" + bad)}) {
        REQUIRE_FALSE(endpoint);
        CHECK(endpoint.error().code == Errc::invalid);
        CHECK(endpoint.error().os_errno == os_errno);
    }
}

TEST_CASE("endpoint: a peer's name is kept only if it is known here", "[runtime][endpoint]") {
    sockaddr_un stranger{AF_UNIX, "/tmp/stranger"};
    const auto octets = static_cast<socklen_t>(sizeof stranger);
    CHECK(Endpoint::from(reinterpret_cast<const sockaddr*>(&stranger), octets).text() == "unix:");
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
