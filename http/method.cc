#include "sluice/http/method.h"

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
    for (auto method = Method::get; method != Method::other;
         method = static_cast<Method>(std::to_underlying(method) + 1)) {
        if (token == token_of(method)) {
            return method;
        }
    }
    return Method::other;
}

}  // namespace sluice::http
