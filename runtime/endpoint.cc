#include "sluice/runtime/endpoint.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>

namespace sluice {

namespace {

constexpr std::size_t mapped_prefix = 12;  // Octets before the address of IPv4.

std::optional<std::uint16_t> port_of(std::string_view digits) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return port;
}

constexpr std::string_view unix_prefix = "unix:";
static_assert(Endpoint::unix_name_octets_max == sizeof(sockaddr_un::sun_path) - 1);

}  // namespace

struct Endpoint::UnixName {
    sockaddr_un address{};
    socklen_t octets = 0;
};

// Of all that the process has named. A node of a map stays where it is.
class Endpoint::UnixNames {
public:
    static UnixNames& instance() {
        static auto* const names = new UnixNames;  // Until the process ends, for other threads.
        return *names;
    }

    const UnixName* add(std::string_view octets) {
        const std::lock_guard lock(mutex_);
        UnixName& name = names_[std::string(octets)];
        name.address.sun_family = AF_UNIX;
        std::memcpy(name.address.sun_path, octets.data(), octets.size());
        const bool is_path = octets.front() != '\0';
        name.octets = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + octets.size() +
                                             (is_path ? 1 : 0));
        return &name;
    }

    const UnixName* find(std::string_view octets) noexcept {
        const std::lock_guard lock(mutex_);
        const auto found = names_.find(octets);
        return found == names_.end() ? nullptr : &found->second;
    }

private:
    std::mutex mutex_;
    std::map<std::string, UnixName, std::less<>> names_;
};

Endpoint Endpoint::loopback(std::uint16_t port) noexcept {
    Endpoint endpoint = any(port);
    endpoint.address_.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return endpoint;
}

Endpoint Endpoint::any(std::uint16_t port) noexcept {
    Endpoint endpoint;
    endpoint.address_.v4.sin_family = AF_INET;
    endpoint.address_.v4.sin_port = htons(port);
    return endpoint;
}

Endpoint Endpoint::named(const UnixName* name) noexcept {
    Endpoint endpoint;
    endpoint.address_.local.family = AF_UNIX;
    endpoint.address_.local.name = std::bit_cast<NameOctets>(name);
    return endpoint;
}

const Endpoint::UnixName* Endpoint::unix_name() const noexcept {
    return family() == AF_UNIX ? std::bit_cast<const UnixName*>(address_.local.name) : nullptr;
}

Result<Endpoint> Endpoint::unix_socket(std::string_view name) {
    if (name.size() > unix_name_octets_max) {
        return std::unexpected(error_from_errno(ENAMETOOLONG, Phase::none));
    }
    if (name.empty() || name == "@" || name.contains('\0')) {
        return failure(Errc::invalid, Phase::none);
    }
    std::string octets(name);
    if (octets.front() == '@') {
        octets.front() = '\0';
    }
    return named(UnixNames::instance().add(octets));
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const auto invalid = failure(Errc::invalid, Phase::none);
    if (text.starts_with(unix_prefix)) {
        return unix_socket(text.substr(unix_prefix.size()));
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return invalid;
    }
    const std::optional<std::uint16_t> port = port_of(text.substr(colon + 1));
    if (!port) {
        return invalid;
    }
    std::string_view address = text.substr(0, colon);
    const bool bracketed = address.starts_with('[') && address.ends_with(']');
    if (bracketed) {
        address = address.substr(1, address.size() - 2);
    }
    const std::optional<Endpoint> endpoint = parse_address(address, *port);
    if (!endpoint || bracketed != (endpoint->family() == AF_INET6)) {
        return invalid;
    }
    return *endpoint;
}

std::optional<Endpoint> Endpoint::parse_address(std::string_view address, std::uint16_t port) {
    const std::string text(address);
    Endpoint endpoint;
    if (inet_pton(AF_INET, text.c_str(), &endpoint.address_.v4.sin_addr) == 1) {
        endpoint.address_.any.sa_family = AF_INET;
        return endpoint.with_port(port);
    }
    endpoint = Endpoint();
    if (inet_pton(AF_INET6, text.c_str(), &endpoint.address_.v6.sin6_addr) == 1) {
        endpoint.address_.any.sa_family = AF_INET6;
        return endpoint.with_port(port);
    }
    return std::nullopt;
}

Endpoint Endpoint::from(const sockaddr* address, socklen_t octets) noexcept {
    Endpoint endpoint;
    if (address->sa_family == AF_INET) {
        std::memcpy(&endpoint.address_.v4, address, sizeof(sockaddr_in));
    } else if (address->sa_family == AF_INET6) {
        std::memcpy(&endpoint.address_.v6, address, sizeof(sockaddr_in6));
    } else if (address->sa_family == AF_UNIX) {
        const auto* const path = reinterpret_cast<const char*>(address) + sizeof(sa_family_t);
        std::string_view name(path, octets - sizeof(sa_family_t));
        if (!name.empty() && name.front() != '\0') {
            name = name.substr(0, name.find('\0'));
        }
        return named(UnixNames::instance().find(name));
    }
    return endpoint;
}

std::uint16_t Endpoint::port() const noexcept {
    switch (family()) {
        case AF_INET: return ntohs(address_.v4.sin_port);
        case AF_INET6: return ntohs(address_.v6.sin6_port);
        default: return 0;
    }
}

Endpoint Endpoint::with_port(std::uint16_t port) const noexcept {
    Endpoint endpoint = *this;
    if (family() == AF_INET) {
        endpoint.address_.v4.sin_port = htons(port);
    } else if (family() == AF_INET6) {
        endpoint.address_.v6.sin6_port = htons(port);
    }
    return endpoint;
}

Endpoint Endpoint::mapped() const noexcept {
    if (family() != AF_INET) {
        return *this;
    }
    Endpoint endpoint;
    endpoint.address_.v6.sin6_family = AF_INET6;
    endpoint.address_.v6.sin6_port = address_.v4.sin_port;
    std::uint8_t* const octets = endpoint.address_.v6.sin6_addr.s6_addr;
    octets[mapped_prefix - 2] = 0xff;
    octets[mapped_prefix - 1] = 0xff;
    std::memcpy(octets + mapped_prefix, &address_.v4.sin_addr, sizeof(in_addr));
    return endpoint;
}

Endpoint Endpoint::unmapped() const noexcept {
    if (family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address_.v6.sin6_addr)) {
        return *this;
    }
    Endpoint endpoint = any(port());
    std::memcpy(&endpoint.address_.v4.sin_addr, address_.v6.sin6_addr.s6_addr + mapped_prefix,
                sizeof(in_addr));
    return endpoint;
}

socklen_t Endpoint::address_octets() const noexcept {
    switch (family()) {
        case AF_INET: return sizeof(sockaddr_in);
        case AF_INET6: return sizeof(sockaddr_in6);
        case AF_UNIX: return unix_name() != nullptr ? unix_name()->octets : sizeof(sa_family_t);
        default: return 0;
    }
}

const sockaddr* Endpoint::address() const noexcept {
    const UnixName* const name = unix_name();
    return name != nullptr ? reinterpret_cast<const sockaddr*>(&name->address) : &address_.any;
}

std::string_view Endpoint::unix_path() const noexcept {
    const UnixName* const name = unix_name();
    return name != nullptr ? name->address.sun_path : "";
}

std::string Endpoint::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (family() == AF_INET) {
        inet_ntop(AF_INET, &address_.v4.sin_addr, buffer.data(), buffer.size());
        return std::string(buffer.data()) + ':' + std::to_string(port());
    }
    if (family() == AF_INET6) {
        inet_ntop(AF_INET6, &address_.v6.sin6_addr, buffer.data(), buffer.size());
        return '[' + std::string(buffer.data()) + "]:" + std::to_string(port());
    }
    if (family() == AF_UNIX) {
        const char* const name = unix_name() != nullptr ? unix_name()->address.sun_path : "";
        const bool is_abstract = unix_name() != nullptr && name[0] == '\0';
        return std::string(unix_prefix) + (is_abstract ? "@" : "") + (name + (is_abstract ? 1 : 0));
    }
    return "-";
}

bool operator==(const Endpoint& left, const Endpoint& right) noexcept {
    if (left.family() != right.family()) {
        return false;
    }
    if (left.family() == AF_UNIX) {
        return left.unix_name() == right.unix_name();
    }
    return std::memcmp(&left.address_, &right.address_, left.address_octets()) == 0;
}

}  // namespace sluice
