// Endpoint: an address and a port of IPv4 or IPv6, or the name of a Unix socket, in the form the
// kernel takes.
//
// A value of 28 octets that needs no allocation: it is copied into every outcome. The name of a
// Unix socket is kept apart, once, until the process ends: programs have few.

#pragma once

#include "sluice/runtime/error.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

class Endpoint {
public:
    // No address at all; family() is AF_UNSPEC, which is 0.
    constexpr Endpoint() noexcept : address_{.v6 = {}} {}

    [[nodiscard]] static Endpoint loopback(std::uint16_t port) noexcept;  // 127.0.0.1
    [[nodiscard]] static Endpoint any(std::uint16_t port) noexcept;       // 0.0.0.0

    // Octets of a Unix socket's name that the kernel takes at most.
    static constexpr std::size_t unix_name_octets_max = 107;

    // A Unix socket: a path, or with "@" in front a name in the abstract namespace (unix(7)).
    // Errors: invalid for one that is empty, has a NUL in it, or is too long: ENAMETOOLONG then.
    [[nodiscard]] static Result<Endpoint> unix_socket(std::string_view name);

    // Reads "127.0.0.1:80", "[::1]:80", "unix:/run/store.sock" or "unix:@store"; numeric addresses
    // only. Errors: invalid; those of unix_socket().
    [[nodiscard]] static Result<Endpoint> parse(std::string_view text);

    // Reads a numeric address without a port: "127.0.0.1", "::1".
    [[nodiscard]] static std::optional<Endpoint> parse_address(std::string_view address,
                                                               std::uint16_t port);

    // `address` must be of AF_INET, AF_INET6 or AF_UNIX, else the result has no address. A Unix
    // socket is named only if unix_socket() has named it before, so that peers cannot make us keep
    // names: text() says "unix:" of another.
    [[nodiscard]] static Endpoint from(const sockaddr* address, socklen_t octets) noexcept;

    [[nodiscard]] int family() const noexcept { return address_.any.sa_family; }
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] Endpoint with_port(std::uint16_t port) const noexcept;

    // An address of IPv4 as an IPv6 socket names it, "::ffff:127.0.0.1"; and back. Another is left
    // as it is.
    [[nodiscard]] Endpoint mapped() const noexcept;
    [[nodiscard]] Endpoint unmapped() const noexcept;

    // Valid for as long as this Endpoint.
    [[nodiscard]] const sockaddr* address() const noexcept;
    [[nodiscard]] socklen_t address_octets() const noexcept;

    // Of a Unix socket: the path in the file system; empty for another kind.
    [[nodiscard]] std::string_view unix_path() const noexcept;

    // "127.0.0.1:80", "[::1]:80", "unix:/run/store.sock", "unix:@store", or "-" for no address.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Endpoint& left, const Endpoint& right) noexcept;

private:
    struct UnixName;
    class UnixNames;

    // A pointer to one, or null of an unnamed socket, in a place that need not be aligned for it.
    using NameOctets = std::array<std::byte, sizeof(void*)>;
    struct Local {
        sa_family_t family;
        NameOctets name;
    };
    union Address {
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
        Local local;
    };

    [[nodiscard]] static Endpoint named(const UnixName* name) noexcept;
    [[nodiscard]] const UnixName* unix_name() const noexcept;

    Address address_;
};

}  // namespace sluice
