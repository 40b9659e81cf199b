#include "sluice/http/response.h"

#include "sluice/http/client_exchange.h"

namespace sluice::http {

Status Response::status() const noexcept {
    return exchange_->parser().status();
}

std::string_view Response::reason() const noexcept {
    return exchange_->parser().reason();
}

FieldsView Response::fields() const noexcept {
    return exchange_->parser().fields();
}

int Response::version_minor() const noexcept {
    return exchange_->parser().version_minor();
}

Framing Response::framing() const noexcept {
    return exchange_->parser().framing();
}

ByteSource& Response::body() noexcept {
    return exchange_->response_body();
}

FieldsView Response::trailers() const noexcept {
    return exchange_->parser().trailers();
}

}  // namespace sluice::http
