#include "sluice/http/exchange.h"

#include "sluice/http/client_exchange.h"

namespace sluice::http {

Exchange& Exchange::operator=(Exchange&& other) noexcept {
    if (this != &other) {
        let_go();
        exchange_ = std::exchange(other.exchange_, nullptr);
    }
    return *this;
}

Exchange::~Exchange() {
    let_go();
}

void Exchange::let_go() noexcept {
    if (exchange_ != nullptr) {
        std::exchange(exchange_, nullptr)->handle_gone();
    }
}

ByteSink& Exchange::body() noexcept {
    return exchange_->request_body();
}

Fields& Exchange::trailers() noexcept {
    return exchange_->request_trailers();
}

Task<sluice::Result<Response>> Exchange::response() {
    return exchange_->response();
}

Task<Outcome> Exchange::outcome() {
    return exchange_->outcome();
}

void Exchange::abort(Mechanism why) noexcept {
    exchange_->abort(why);
}

const Outcome& Exchange::so_far() const noexcept {
    return exchange_->record();
}

std::span<const Outcome> Exchange::attempts() const noexcept {
    return exchange_->attempts();
}

const std::optional<Error>& Exchange::message_error() const noexcept {
    return exchange_->message_error();
}

}  // namespace sluice::http
