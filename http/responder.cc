#include "sluice/http/responder.h"

#include "sluice/http/server_exchange.h"
#include "sluice/runtime/ensure.h"

namespace sluice::http {

Task<sluice::Result<void>> ResponseBody::write(std::span<const std::byte> octets) {
    return exchange_.write(octets);
}

Task<sluice::Result<void>> ResponseBody::finish() {
    return exchange_.finish_response();
}

void ResponseBody::abort() noexcept {
    if (exchange_.response_ == ServerExchange::Response::begun) {
        exchange_.break_response({Party::application, Mechanism::source_error,
                                  ExchangePhase::send_body, TimeoutKind::none, 0});
    }
}

Fields& ResponseBody::trailers() noexcept {
    return exchange_.trailers_;
}

Fields& Responder::fields() noexcept {
    return exchange_.fields_;
}

void Responder::respond(Status status, std::string_view content) {
    exchange_.respond(status, content);
}

ByteSink& Responder::start(Status status, std::optional<std::uint64_t> length) {
    const Framing streamed =
        exchange_.parser_.version_minor() == 0 ? Framing::close() : Framing::chunked();
    exchange_.begin_response(status, length ? Framing::of_length(*length) : streamed);
    return body_;
}

void Responder::interim(Status status) {
    ensure(is_informational(status));
    exchange_.send_interim(status, &exchange_.fields_);
    exchange_.fields_.clear();
}

Task<Outcome> Responder::send(Status status, std::string_view content) {
    exchange_.respond(status, content);
    return exchange_.finish(DeliveryLevel::kernel);
}

Task<Outcome> Responder::finish(DeliveryLevel level) {
    return exchange_.finish(level);
}

void Responder::close_connection() noexcept {
    exchange_.close_ = true;
}

bool Responder::started() const noexcept {
    return exchange_.response_ != ServerExchange::Response::none;
}

bool Responder::client_gone() const noexcept {
    return exchange_.client_gone_;
}

}  // namespace sluice::http
