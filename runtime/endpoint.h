// Endpoint: an address and a port, of IPv4 or IPv6, in the form the kernel takes.
//
// A value of 28 octets that needs no allocation: it is copied into every outcome.

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

class Endpoint {
public:
    // No address at all; family() is AF_UNSPEC.
    Endpoint() noexcept;

    [[nodiscard]] static Endpoint loopback(std::uint16_t port) noexcept;  // 127.0.0.1
    [[nodiscard]] static Endpoint any(std::uint16_t port) noexcept;       // 0.0.0.0

    // Reads "127.0.0.1:80" or "[::1]:80"; numeric addresses only.
    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);

    // Reads a numeric address without a port: "127.0.0.1", "::1".
    [[nodiscard]] static std::optional<Endpoint> parse_address(std::string_view address,
                                                               std::uint16_t port);

    // `address` must be of AF_INET or AF_INET6, else the result has no address.
    [[nodiscard]] static Endpoint from(const sockaddr* address) noexcept;

    [[nodiscard]] int family() const noexcept { return address_.any.sa_family; }
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] Endpoint with_port(std::uint16_t port) const noexcept;

    // An address of IPv4 as an IPv6 socket names it, "::ffff:127.0.0.1"; and back. Another is left
    // as it is.
    [[nodiscard]] Endpoint mapped() const noexcept;
    [[nodiscard]] Endpoint unmapped() const noexcept;

    [[nodiscard]] const sockaddr* address() const noexcept { return &address_.any; }
    [[nodiscard]] socklen_t address_octets() const noexcept;

    // "127.0.0.1:80", "[::1]:80", or "-" for no address.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Endpoint& left, const Endpoint& right) noexcept;

private:
    union Address {
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
    };
    Address address_;
};

}  // namespace sluice
