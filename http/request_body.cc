#include "sluice/http/request_body.h"

#include "sluice/http/server_exchange.h"

#include <algorithm>

namespace sluice::http {

Task<sluice::Result<std::span<const std::byte>>> RequestBody::read() {
    return exchange_.read_content();
}

std::optional<std::uint64_t> RequestBody::declared() const noexcept {
    if (framing_.kind == Framing::Kind::chunked) {
        return std::nullopt;
    }
    return framing_.length;
}

FieldsView RequestBody::trailers() const noexcept {
    const bool has_any = ended_ && framing_.kind == Framing::Kind::chunked;
    return has_any ? exchange_.parser_.trailers() : FieldsView();
}

void RequestBody::begin(const Framing& framing) noexcept {
    framing_ = framing;
    length_left_ = framing.length;
    ended_ = framing.ends_with_head();
    error_.reset();
}

sluice::Result<std::optional<std::span<const std::byte>>> RequestBody::decode() noexcept {
    Received& input = exchange_.connection_->input();
    ReceiveFacts& facts = exchange_.outcome().receive;
    while (!input.empty()) {
        std::span<const std::byte> content;
        std::size_t consumed = 0;
        if (framing_.kind == Framing::Kind::length) {
            const std::uint64_t size = std::min<std::uint64_t>(input.size(), length_left_);
            content = input.octets().first(size);
            consumed = size;
            length_left_ -= size;
            ended_ = length_left_ == 0;
        } else {
            const Result<MessageParser::BodyStep> step =
                exchange_.parser_.feed_chunked(input.octets());
            if (!step) {
                exchange_.content_status_ = status_of(step.error().code);
                const bool too_large = step.error().code == Errc::content_too_large;
                return failure(too_large ? sluice::Errc::limit_exceeded : sluice::Errc::invalid,
                               sluice::Phase::receive);
            }
            content = step->content;
            consumed = step->consumed;
            ended_ = step->finished;
        }
        facts.body += content.size();
        facts.framing_octets += consumed - content.size();
        facts.phase = ended_ ? ReceivePhase::complete : ReceivePhase::body_partial;
        input.drop_front(consumed);
        if (!content.empty() || ended_) {
            return content;
        }
    }
    return std::nullopt;
}

}  // namespace sluice::http
