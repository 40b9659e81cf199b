#include "sluice/http/method.h"

#include "sluice/http/octets.h"

#include <cstdint>
#include <utility>

namespace sluice::http {

std::string_view token_of(Method method) noexcept {
    switch (method) {
        case Method::get: return "GET";
        case Method::head: return "HEAD";
        case Method::put: return "PUT";
        case Method::post: return "POST";
        case Method::delete_: return "DELETE";
        case Method::options: return "OPTIONS";
        case Method::patch: return "PATCH";
        case Method::trace: return "TRACE";
        case Method::connect: return "CONNECT";
        case Method::other: return {};
    }
    std::unreachable();
}

Method method_of(std::string_view token) noexcept {
    if (token.size() < 3 || token.size() > word_octets) {
        return Method::other;
    }
    // Two tokens of one size are the same if their words are.
    const std::uint64_t word = gather_word(token);
    const auto is = [word](std::string_view name) { return word == gather_word(name); };
    switch (token.size()) {
        case 3: return is("GET") ? Method::get : is("PUT") ? Method::put : Method::other;
        case 4: return is("POST") ? Method::post : is("HEAD") ? Method::head : Method::other;
        case 5: return is("PATCH") ? Method::patch : is("TRACE") ? Method::trace : Method::other;
        case 6: return is("DELETE") ? Method::delete_ : Method::other;
        case 7:
            return is("OPTIONS")   ? Method::options
                   : is("CONNECT") ? Method::connect
                                   : Method::other;
        default: return Method::other;
    }
}

}  // namespace sluice::http
