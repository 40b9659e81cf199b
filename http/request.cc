#include "sluice/http/request.h"

#include "sluice/http/message_parser.h"
#include "sluice/http/server_exchange.h"

namespace sluice::http {

namespace {

// The path and the query of an origin-form or absolute-form target.
std::string_view path_and_query_of(std::string_view target) noexcept {
    if (target.starts_with('/') || target == "*") {
        return target;
    }
    const std::size_t authority = target.find("://");
    if (authority == std::string_view::npos) {
        return {};
    }
    const std::size_t path = target.find_first_of("/?", authority + 3);
    return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

}  // namespace

Request::Request(ServerExchange& exchange) noexcept : exchange_(exchange), body_(exchange) {}

const MessageParser& Request::parser() const noexcept {
    return exchange_.parser_;
}

Method Request::method() const noexcept {
    return parser().method();
}

std::string_view Request::method_text() const noexcept {
    return parser().method_text();
}

std::string_view Request::target() const noexcept {
    return parser().target();
}

std::string_view Request::path() const noexcept {
    const std::string_view both = path_and_query_of(target());
    return both.substr(0, both.find('?'));
}

std::string_view Request::query() const noexcept {
    const std::string_view both = path_and_query_of(target());
    const std::size_t mark = both.find('?');
    return mark == std::string_view::npos ? std::string_view() : both.substr(mark + 1);
}

std::string_view Request::authority() const noexcept {
    return parser().authority();
}

FieldsView Request::fields() const noexcept {
    return parser().fields();
}

int Request::version_minor() const noexcept {
    return parser().version_minor();
}

bool Request::expects_continue() const noexcept {
    return parser().expect_continue();
}

const Endpoint& Request::peer() const noexcept {
    return exchange_.connection_->transport().peer();
}

const SecurityFacts* Request::security() const noexcept {
    return exchange_.connection_->transport().security();
}

std::uint64_t Request::exchange_id() const noexcept {
    return exchange_.outcome().exchange_id;
}

}  // namespace sluice::http
