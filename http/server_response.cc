// The half of ServerExchange that sends.

#include "sluice/http/progress.h"
#include "sluice/http/server_exchange.h"
#include "sluice/http/transport_cause.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::http {

void ServerExchange::respond(Status status, std::string_view content) {
    const ResponseHead head = decide_head(status, Framing::of_length(content.size()));
    outcome().send.body_offered += content.size();
    const std::string_view sent = response_has_content_ ? content : std::string_view();
    Outbox& outbox = connection_->outbox();
    const std::span<char> room = outbox.reserve(octets_max_of(head) + sent.size());
    const std::size_t head_octets = write_head(head, room);
    std::copy(sent.begin(), sent.end(), room.begin() + static_cast<std::ptrdiff_t>(head_octets));
    outbox.commit_message(outcome(), head_octets, sent.size());
    response_ = Response::finished;
    outbox.flush_soon();
}

void ServerExchange::respond_with_reason(Status status) {
    std::string text(reason_of(status));
    text.push_back('\n');
    // The name and the value are constants that Fields takes.
    static_cast<void>(fields_.set("content-type", "text/plain"));
    respond(status, text);
}

void ServerExchange::begin_response(Status status, const Framing& framing) {
    const ResponseHead head = decide_head(status, framing);
    Outbox& outbox = connection_->outbox();
    const std::size_t octets = write_head(head, outbox.reserve(octets_max_of(head)));
    outbox.commit(outcome(), OctetKind::head, octets);
}

// Begins the response, as far as the exchange is concerned. The head lends what is ours.
ResponseHead ServerExchange::decide_head(Status status, const Framing& framing) {
    ensure(response_ == Response::none);
    ensure(!is_informational(status));
    response_ = Response::begun;
    response_framing_ = framing;
    response_has_content_ = may_have_content(status, method_);
    length_left_ = framing.length;
    close_ = must_close() || framing.kind == Framing::Kind::close;

    Outcome& record = outcome();
    record.status = status;
    if (framing.kind == Framing::Kind::length && response_has_content_) {
        record.send.declared = framing.length;
    }
    ResponseHead head;
    head.status = status;
    head.framing = framing;
    head.request_method = method_;
    head.date = connection_->core().date();
    head.fields = &fields_;
    if (close_) {
        head.connection = Connection::close;
    } else if (parser_.version_minor() == 0) {
        head.connection = Connection::keep_alive;
    }
    return head;
}

bool ServerExchange::must_close() const noexcept {
    if (close_ || record_->outcome.receive.phase < ReceivePhase::head_complete) {
        return true;
    }
    const RequestBody& body = request_.body();
    const bool waits_for_invitation = !invited_ && !body.ended();
    const bool too_much_left = body.length_left_ > connection_->core().options().drain_octets_max;
    return !parser_.keep_alive() || connection_->core().draining() || waits_for_invitation ||
           too_much_left;
}

void ServerExchange::send_interim(Status status, const Fields* fields) {
    ensure(response_ == Response::none);
    Outbox& outbox = connection_->outbox();
    if (parser_.version_minor() == 0) {
        return;  // HTTP/1.0 knows none (RFC 9110 15.2).
    }
    ResponseHead head;
    head.status = status;
    head.request_method = method_;
    head.fields = fields;
    const std::size_t octets = write_head(head, outbox.reserve(octets_max_of(head)));
    outbox.commit(outcome(), OctetKind::interim, octets);
    outbox.flush_soon();
}

Task<sluice::Result<void>> ServerExchange::write(std::span<const std::byte> octets) {
    if (response_ != Response::begun) {
        co_return failure(sluice::Errc::closed, sluice::Phase::send);
    }
    SendFacts& facts = outcome().send;
    if (!response_has_content_ || octets.empty()) {
        facts.body_offered += octets.size();
        co_return sluice::Result<void>();
    }
    const std::uint64_t before = facts.body_offered;
    if (response_framing_.kind == Framing::Kind::length) {
        if (octets.size() > length_left_) {
            break_response({Party::application, Mechanism::protocol, ExchangePhase::send_body,
                            TimeoutKind::none, 0});
            co_return failure(sluice::Errc::invalid, sluice::Phase::send);
        }
        length_left_ -= octets.size();
    } else if (response_framing_.kind == Framing::Kind::chunked) {
        append_chunk_head(octets.size());
    }
    facts.body_offered += octets.size();
    // Of a declared length the last octet waits for the end: a response that is not finished must
    // not look finished.
    const bool is_last = response_framing_.kind == Framing::Kind::length && length_left_ == 0;
    const std::span<const std::byte> now = octets.first(octets.size() - (is_last ? 1 : 0));
    Outbox& outbox = connection_->outbox();
    sluice::Result<void> written;
    if (!now.empty()) {
        written = co_await outbox.write(outcome(), now);
    }
    if (!written) {
        sending_failed(written.error());
        written.error().octets_done =
            facts.body_accepted > before ? facts.body_accepted - before : 0;
        co_return written;
    }
    if (is_last) {
        const auto last = static_cast<char>(octets.back());
        outbox.append(outcome(), OctetKind::content, std::string_view(&last, 1));
    }
    co_return written;
}

// The CRLF that ends a chunk waits for the next one, so that a chunk leaves in one send.
void ServerExchange::append_chunk_head(std::size_t octets) {
    Outbox& outbox = connection_->outbox();
    if (std::exchange(chunk_open_, true)) {
        outbox.append(outcome(), OctetKind::framing, chunk_end);
    }
    std::array<char, chunk_head_octets_max> line;
    outbox.append(outcome(), OctetKind::framing, chunk_head(octets, line));
}

sluice::Result<void> ServerExchange::end_response() {
    if (response_ != Response::begun) {
        return response_ == Response::finished ? sluice::Result<void>()
                                               : failure(sluice::Errc::closed, sluice::Phase::send);
    }
    Outbox& outbox = connection_->outbox();
    if (response_has_content_ && response_framing_.kind == Framing::Kind::length &&
        length_left_ > 0) {
        break_response({Party::application, Mechanism::protocol, ExchangePhase::send_body,
                        TimeoutKind::none, 0});
        return failure(sluice::Errc::invalid, sluice::Phase::send);
    }
    if (response_has_content_ && response_framing_.kind == Framing::Kind::chunked) {
        if (std::exchange(chunk_open_, false)) {
            outbox.append(outcome(), OctetKind::framing, chunk_end);
        }
        const std::size_t octets = last_chunk_octets(trailers_);
        write_last_chunk(trailers_, outbox.reserve(octets));
        outbox.commit(outcome(), OctetKind::framing, octets);
    }
    response_ = Response::finished;
    outbox.end_message(outcome());
    outbox.flush_soon();
    return {};
}

Task<sluice::Result<void>> ServerExchange::finish_response() {
    const sluice::Result<void> ended = end_response();
    if (!ended) {
        co_return ended;
    }
    const sluice::Result<void> drained = co_await connection_->outbox().drained();
    if (!drained) {
        sending_failed(drained.error());
    }
    co_return drained;
}

Task<Outcome> ServerExchange::finish(DeliveryLevel level) {
    ensure(response_ != Response::none);
    const sluice::Result<void> finished = co_await finish_response();
    if (finished && level >= DeliveryLevel::acknowledged) {
        const sluice::Result<void> acknowledged = co_await acknowledged_with_progress(
            connection_->transport(), connection_->core().options().stall_max);
        if (acknowledged) {
            outcome().acknowledge(outcome().send.wire_accepted(), connection_->loop().now());
        }
    }
    Outcome told = outcome();
    forget_unsent_status(told);
    co_return told;
}

void ServerExchange::break_response(const Cause& cause) noexcept {
    outcome().blame(cause);
    response_ = Response::broken;
}

void ServerExchange::sending_failed(const sluice::Error& error) noexcept {
    note_stop();
    response_ = Response::broken;
    const bool known = stop_noted_ || (gone_noted_ && error.code == sluice::Errc::reset);
    if (!known) {
        outcome().blame(send_cause(error, outcome()));
    }
}

}  // namespace sluice::http
