#include "sluice/http/url.h"

#include "sluice/http/authority.h"
#include "sluice/http/octets.h"

#include <algorithm>

namespace sluice::http {

namespace {

constexpr std::string_view scheme_end = "://";

std::unexpected<Error> malformed(std::size_t octet) {
    return std::unexpected(Error{Errc::url_malformed, octet});
}

// The position of the first octet of `any` at or behind `from`; the end if there is none.
std::size_t find_end(std::string_view text, std::string_view any, std::size_t from) {
    return std::min(text.find_first_of(any, from), text.size());
}

std::optional<Scheme> scheme_of(std::string_view text) {
    if (equal_ignoring_case(text, "http")) {
        return Scheme::http;
    }
    if (equal_ignoring_case(text, "https")) {
        return Scheme::https;
    }
    return std::nullopt;
}

std::string authority_text(const Origin& origin, bool is_ipv6) {
    std::string text = is_ipv6 ? "[" + origin.host + "]" : origin.host;
    if (origin.port != default_port(origin.scheme)) {
        text += ":" + std::to_string(origin.port);
    }
    return text;
}

// Takes out "." and ".." (RFC 3986 5.2.4); `path` starts with a slash.
std::string remove_dots(std::string_view path) {
    std::string kept;
    while (!path.empty()) {
        const std::size_t end = find_end(path, "/", 1);
        const std::string_view segment = path.substr(0, end);
        const bool is_last = end == path.size();
        if (segment == "/..") {
            kept.resize(kept.empty() ? 0 : kept.rfind('/'));
            kept.append(is_last ? "/" : "");
        } else if (segment == "/.") {
            kept.append(is_last ? "/" : "");
        } else {
            kept.append(segment);
        }
        path.remove_prefix(end);
    }
    return kept.empty() ? "/" : kept;
}

}  // namespace

std::string_view name_of(Scheme scheme) noexcept {
    return scheme == Scheme::https ? "https" : "http";
}

Result<Url> Url::parse(std::string_view text) {
    const std::string_view address = text.substr(0, text.find('#'));
    if (const std::size_t bad = find_outside_target(address); bad != std::string_view::npos) {
        return malformed(bad);
    }
    const std::size_t scheme_octets = address.find(scheme_end);
    if (scheme_octets == std::string_view::npos) {
        return malformed(0);
    }
    const std::optional<Scheme> scheme = scheme_of(address.substr(0, scheme_octets));
    if (!scheme) {
        return malformed(0);
    }
    const std::size_t begin = scheme_octets + scheme_end.size();
    const std::size_t end = find_end(address, "/?", begin);
    const std::optional<Authority> authority = parse_authority(address.substr(begin, end - begin));
    if (!authority || authority->host.empty() || authority->port == 0) {
        return malformed(begin);
    }

    Url url;
    url.origin_.scheme = *scheme;
    url.origin_.host = authority->host;
    std::ranges::transform(url.origin_.host, url.origin_.host.begin(), to_lower);
    url.origin_.port = authority->port.value_or(default_port(*scheme));
    url.authority_ = authority_text(url.origin_, authority->is_ipv6);
    const std::string_view rest = address.substr(end);
    url.target_ = rest.starts_with('/') ? "" : "/";
    url.target_ += rest;
    return url;
}

std::string_view Url::path() const noexcept {
    return target().substr(0, target_.find('?'));
}

std::string_view Url::query() const noexcept {
    const std::size_t mark = target_.find('?');
    return mark == std::string::npos ? std::string_view() : target().substr(mark + 1);
}

std::string Url::text() const {
    std::string whole(name_of(scheme()));
    whole.append(scheme_end).append(authority_).append(target_);
    return whole;
}

Result<Url> Url::resolve(std::string_view reference) const {
    reference = reference.substr(0, reference.find('#'));
    const std::size_t colon = find_end(reference, ":/?", 0);
    if (colon < reference.size() && reference[colon] == ':') {
        return parse(reference);
    }
    std::string whole(name_of(scheme()));
    if (reference.starts_with("//")) {
        return parse(whole.append(":").append(reference));
    }
    whole.append(scheme_end).append(authority_);
    if (reference.empty()) {
        return parse(whole.append(target_));
    }
    if (reference.starts_with('?')) {
        return parse(whole.append(path()).append(reference));
    }
    const std::size_t path_end = find_end(reference, "?", 0);
    std::string merged;
    if (!reference.starts_with('/')) {
        merged = path().substr(0, path().rfind('/') + 1);
    }
    merged.append(reference.substr(0, path_end));
    return parse(whole.append(remove_dots(merged)).append(reference.substr(path_end)));
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t index = 0; index < text.size(); ++index) {
        if (text[index] != '%') {
            decoded.push_back(text[index]);
            continue;
        }
        if (text.size() - index < 3) {
            return std::nullopt;
        }
        const int high = hex_value(text[index + 1]);
        const int low = hex_value(text[index + 2]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        decoded.push_back(static_cast<char>(high << 4 | low));
        index += 2;
    }
    return decoded;
}

std::string percent_encode(std::string_view text, std::string_view keep) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view unreserved = "-._~";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char octet : text) {
        if (is_alpha(octet) || is_digit(octet) || unreserved.contains(octet) ||
            keep.contains(octet)) {
            encoded.push_back(octet);
            continue;
        }
        const auto value = static_cast<std::uint8_t>(octet);
        encoded.push_back('%');
        encoded.push_back(digits[value >> 4]);
        encoded.push_back(digits[value & 15]);
    }
    return encoded;
}

}  // namespace sluice::http
