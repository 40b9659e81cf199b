// Method: what a request asks for.
//
// The methods that change how a message is framed, or whether it may be sent twice, have their own
// enumerator. All others are `other` and are known by their token, which the message keeps.
//
// Source:       RFC 9110 9; RFC 5789 (PATCH).

#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class Method : std::uint8_t {
    get,
    head,
    put,
    post,
    delete_,
    options,
    patch,
    trace,
    connect,
    other,  // Any token without its own enumerator.
};

// The token on the wire; empty for Method::other.
[[nodiscard]] std::string_view token_of(Method method) noexcept;

// Total: a token that names no enumerator is Method::other. Case matters (RFC 9110 9.1).
[[nodiscard]] Method method_of(std::string_view token) noexcept;

// Asks for nothing to change (RFC 9110 9.2.1).
[[nodiscard]] constexpr bool is_safe(Method method) noexcept {
    return method == Method::get || method == Method::head || method == Method::options ||
           method == Method::trace;
}

// Sent twice, it means what it means once (RFC 9110 9.2.2). Unknown methods are not.
[[nodiscard]] constexpr bool is_idempotent(Method method) noexcept {
    return is_safe(method) || method == Method::put || method == Method::delete_;
}

// Whether a request without content still says Content-Length: 0 (RFC 9110 8.6).
[[nodiscard]] constexpr bool expects_content(Method method) noexcept {
    return method == Method::put || method == Method::post || method == Method::patch;
}

}  // namespace sluice::http
