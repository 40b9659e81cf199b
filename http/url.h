// Url: where a client's request goes, taken apart once.
//
// Absolute http and https URLs only. User information is refused (RFC 9110 4.2.4), a fragment is
// dropped, nothing is normalised but the case of the host: the target reaches the wire as written.
//
// Ownership:    Owns its text; views live as long as it.
// Errors:       url_malformed, with the octet.
// Source:       RFC 3986 3; RFC 9110 4.2, 7.1, 7.2.

#pragma once

#include "sluice/http/error.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

enum class Scheme : std::uint8_t { http, https };

[[nodiscard]] std::string_view name_of(Scheme scheme) noexcept;

[[nodiscard]] constexpr std::uint16_t default_port(Scheme scheme) noexcept {
    return scheme == Scheme::https ? 443 : 80;
}

// Whose connections may be shared.
struct Origin {
    Scheme scheme = Scheme::http;
    std::string host;  // Lower case, an IPv6 address without its brackets.
    std::uint16_t port = 0;

    friend bool operator==(const Origin&, const Origin&) = default;
    friend auto operator<=>(const Origin&, const Origin&) = default;
};

class Url {
public:
    [[nodiscard]] static Result<Url> parse(std::string_view text);

    [[nodiscard]] const Origin& origin() const noexcept { return origin_; }
    [[nodiscard]] Scheme scheme() const noexcept { return origin_.scheme; }
    [[nodiscard]] std::string_view host() const noexcept { return origin_.host; }
    [[nodiscard]] std::uint16_t port() const noexcept { return origin_.port; }

    // The value of Host: brackets around an IPv6 address, the port only if it is not the scheme's.
    [[nodiscard]] std::string_view authority() const noexcept { return authority_; }

    // Path and query, never empty: the origin form.
    [[nodiscard]] std::string_view target() const noexcept { return target_; }
    [[nodiscard]] std::string_view path() const noexcept;
    [[nodiscard]] std::string_view query() const noexcept;  // Without its mark; may be empty.

    // The whole without the fragment: the absolute form.
    [[nodiscard]] std::string text() const;

    // What a Location of this URL's response means (RFC 3986 5.2), for the references in use:
    // absolute, "//host/path", "/path", "path", "?query", "#fragment".
    [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

    friend bool operator==(const Url&, const Url&) = default;

private:
    Origin origin_;
    std::string authority_;
    std::string target_;
};

// "%41" to "A". None if a '%' is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

// Encodes all but the unreserved octets and those of `keep`: percent_encode(path, "/").
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view keep = {});

}  // namespace sluice::http

template <>
struct std::hash<sluice::http::Origin> {
    std::size_t operator()(const sluice::http::Origin& origin) const noexcept {
        const std::size_t place =
            std::size_t{origin.port} << 1 | static_cast<std::size_t>(origin.scheme);
        return std::hash<std::string_view>{}(origin.host) ^ (place * 0x9E3779B97F4A7C15u);
    }
};
