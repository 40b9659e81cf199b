#include "sluice/http/method.h"

#include <string_view>
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
    using namespace std::string_view_literals;
    // Against constants of its own size a token is compared as a word.
    switch (token.size()) {
        case 3:
            return token == "GET"sv ? Method::get : token == "PUT"sv ? Method::put : Method::other;
        case 4:
            return token == "POST"sv   ? Method::post
                   : token == "HEAD"sv ? Method::head
                                       : Method::other;
        case 5:
            return token == "PATCH"sv   ? Method::patch
                   : token == "TRACE"sv ? Method::trace
                                        : Method::other;
        case 6: return token == "DELETE"sv ? Method::delete_ : Method::other;
        case 7:
            return token == "OPTIONS"sv   ? Method::options
                   : token == "CONNECT"sv ? Method::connect
                                          : Method::other;
        default: return Method::other;
    }
}

}  // namespace sluice::http
