#include "sluice/http/client_request.h"

#include "sluice/http/octets.h"

#include <utility>

namespace sluice::http {

ClientRequest::ClientRequest(std::string_view method, std::string_view url)
    : ClientRequest(method_of(method), url) {
    if (method_ == Method::other) {
        method_text_ = method;
        if (!is_token(method)) {
            refuse({Errc::method_unknown});
        }
    }
}

ClientRequest::ClientRequest(Method method, std::string_view url) : method_(method) {
    if (method == Method::connect) {
        refuse({Errc::method_unknown});  // It asks for a tunnel, which is no exchange.
    }
    Result<Url> parsed = Url::parse(url);
    if (parsed) {
        url_ = std::move(*parsed);
    } else {
        refuse(parsed.error());
    }
}

ClientRequest& ClientRequest::length(std::uint64_t octets) {
    framing_ = Framing::of_length(octets);
    content_.reset();
    return *this;
}

ClientRequest& ClientRequest::chunked() {
    framing_ = Framing::chunked();
    content_.reset();
    return *this;
}

ClientRequest& ClientRequest::content(std::string octets) {
    framing_ = Framing::of_length(octets.size());
    content_ = std::make_shared<const std::string>(std::move(octets));
    return *this;
}

ClientRequest& ClientRequest::content(std::span<const std::byte> octets) {
    return content(std::string(text_of(octets)));
}

ClientRequest& ClientRequest::expect_continue() {
    expect_continue_ = true;
    return *this;
}

ClientRequest& ClientRequest::field(std::string_view name, std::string_view value) {
    if (const Result<void> added = fields_.add(name, value); !added) {
        refuse(added.error());
    }
    return *this;
}

ClientRequest& ClientRequest::fields(Fields fields) {
    fields_ = std::move(fields);
    return *this;
}

ClientRequest& ClientRequest::close_connection() {
    close_connection_ = true;
    return *this;
}

ClientRequest& ClientRequest::total_max(Duration limit) {
    total_max_ = limit;
    return *this;
}

ClientRequest& ClientRequest::on_interim(InterimListener listener) {
    on_interim_ = std::move(listener);
    return *this;
}

std::string_view ClientRequest::method_text() const noexcept {
    return method_ == Method::other ? std::string_view(method_text_) : token_of(method_);
}

bool ClientRequest::expects_continue() const noexcept {
    return expect_continue_ && !framing_.ends_with_head();
}

// The first reason is the one that is told.
void ClientRequest::refuse(const Error& error) {
    if (!error_) {
        error_ = error;
    }
}

ClientRequest get(std::string_view url) {
    return ClientRequest(Method::get, url);
}

ClientRequest head(std::string_view url) {
    return ClientRequest(Method::head, url);
}

ClientRequest put(std::string_view url) {
    return ClientRequest(Method::put, url);
}

ClientRequest post(std::string_view url) {
    return ClientRequest(Method::post, url);
}

ClientRequest delete_(std::string_view url) {
    return ClientRequest(Method::delete_, url);
}

ClientRequest request(std::string_view method, std::string_view url) {
    return ClientRequest(method, url);
}

}  // namespace sluice::http
