#include "sluice/http/server_exchange.h"

#include "sluice/http/transport_cause.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <utility>

namespace sluice::http {

void ServerExchange::begin(ServerConnection& connection, ServerRecord& record) {
    connection_ = &connection;
    record_ = &record;
    parser_.begin_request();
    spill_.clear();
    fields_.clear();
    trailers_.clear();
    head_error_.reset();
    content_status_.reset();
    request_.body().begin(Framing::none());
    method_ = Method::get;
    response_ = Response::none;
    chunk_open_ = false;
    invited_ = true;
    reading_ = false;
    close_ = false;
    client_gone_ = false;
    gone_noted_ = false;
    stop_noted_ = false;
}

Task<ServerExchange::Next> ServerExchange::serve(ServerConnection& connection) {
    Next what_follows = Next::request;
    do {
        begin(connection, connection.begin_record());
        Head head = parse_head();
        if (head == Head::incomplete) {
            head = co_await read_rest_of_head();
        }
        if (head == Head::failed) {
            co_return head_failed();
        }
        bool threw = false;
        stop_.emplace(&connection.stop());
        if (connection.is_gone()) {
            client_gone();
        }
        try {
            Task<> handling = connection.core().handler()(request_, responder_);
            Under<void> stoppable(&*stop_, std::move(handling));
            co_await stoppable;
        } catch (...) {
            threw = true;
        }
        settle(threw);
        stop_.reset();
        if (must_drain()) {
            co_await drain_content();
        }
        what_follows = next();
    } while (what_follows == Next::request && connection.ready_for_next());
    co_return what_follows;
}

ServerExchange::Head ServerExchange::parse_head() {
    Received& input = connection_->input();
    ReceiveFacts& facts = outcome().receive;
    const bool spilled = !spill_.empty();
    const std::size_t before = spill_.size();
    std::span<const std::byte> head = input.octets();
    if (spilled) {
        // One octet more than a head may have is enough for the parser to say so.
        const std::size_t room = connection_->core().options().limits.head_octets_max + 1 - before;
        const std::size_t taken = std::min(input.size(), room);
        spill_.append(reinterpret_cast<const char*>(head.data()), taken);
        head = std::as_bytes(std::span(spill_));
    }
    const Result<MessageParser::HeadStep> step = parser_.feed_head(head);
    if (!step) {
        head_error_ = step.error();
        facts.head = std::max<std::uint64_t>(before, step.error().octet);
        facts.phase = ReceivePhase::head_partial;
        return Head::failed;
    }
    if (!step->complete) {
        if (!spilled) {
            spill_.assign(reinterpret_cast<const char*>(head.data()), head.size());
        }
        input.drop_front(input.size());
        facts.head = spill_.size();
        facts.phase = ReceivePhase::head_partial;
        return Head::incomplete;
    }
    input.drop_front(step->consumed - before);
    head_is_complete(head.first(step->consumed), spilled);
    return Head::complete;
}

Task<ServerExchange::Head> ServerExchange::read_rest_of_head() {
    Loop& loop = connection_->loop();
    const Instant until = after(loop.now(), connection_->core().options().head_max);
    Head head = Head::incomplete;
    while (head == Head::incomplete) {
        reading_ = true;
        const sluice::Result<void> more =
            co_await connection_->more_input(std::max(until - loop.now(), Duration::zero()));
        reading_ = false;
        if (!more) {
            const sluice::Error& error = more.error();
            note_stop();
            outcome().blame(receive_cause(error, ExchangePhase::head, TimeoutKind::head));
            if (error.code == sluice::Errc::timed_out && error.os_errno == 0) {
                content_status_ = Status::request_timeout;
            }
            co_return Head::failed;
        }
        head = parse_head();
    }
    co_return head;
}

void ServerExchange::head_is_complete(std::span<const std::byte> head, bool spilled) {
    const Framing& framing = parser_.framing();
    ReceiveFacts& facts = outcome().receive;
    facts.head = head.size();
    facts.framing = framing.kind;
    if (framing.kind == Framing::Kind::length) {
        facts.declared = framing.length;
    }
    facts.phase = framing.ends_with_head() ? ReceivePhase::complete : ReceivePhase::head_complete;
    outcome().expect_sent = parser_.expect_continue();
    method_ = parser_.method();
    invited_ = !parser_.expect_continue();
    request_.body().begin(framing);
    if (!spilled && !framing.ends_with_head()) {
        // The content's next octets will come in another buffer, and this one will go.
        spill_.assign(reinterpret_cast<const char*>(head.data()), head.size());
        parser_.moved_to(std::as_bytes(std::span(spill_)).data());
    }
}

// Answers what can be answered. 408 goes only to a client that began a request: on an idle
// connection it would be read as the answer to the next one (outcomes.md trap 16).
ServerExchange::Next ServerExchange::head_failed() {
    std::optional<Status> status = content_status_;
    if (head_error_) {
        status = status_of(head_error_->code);
        const bool limit = status && *status != Status::bad_request &&
                           head_error_->code != Errc::version_unsupported &&
                           head_error_->code != Errc::transfer_coding_unsupported &&
                           head_error_->code != Errc::method_unknown &&
                           head_error_->code != Errc::expectation_failed;
        outcome().blame({Party::peer, limit ? Mechanism::limit : Mechanism::protocol,
                         ExchangePhase::head, TimeoutKind::none, 0});
    }
    if (status) {
        close_ = true;
        respond_with_reason(*status);
        return Next::linger;
    }
    switch (connection_->transport().peer_end()) {
        case PeerEnd::none: return Next::reset;
        case PeerEnd::fin: outcome().receive.end = StreamEnd::fin; return Next::close;
        case PeerEnd::cut: outcome().receive.end = StreamEnd::cut; return Next::close;
        case PeerEnd::reset:
        case PeerEnd::lost: outcome().receive.end = StreamEnd::reset; return Next::reset;
    }
    std::unreachable();
}

// What is being done, as a cause of its end would say.
ExchangePhase ServerExchange::phase() const noexcept {
    if (outcome().receive.phase < ReceivePhase::head_complete) {
        return ExchangePhase::head;
    }
    switch (response_) {
        case Response::none:
            return request_.body().ended() ? ExchangePhase::handler : ExchangePhase::body;
        case Response::begun:
        case Response::finished:
        case Response::broken: break;
    }
    return sending_phase_of(outcome());
}

void ServerExchange::client_gone() noexcept {
    client_gone_ = true;
    outcome().receive.end = stream_end_of(connection_->transport().peer_end());
    if (!reading_) {
        note_gone();
    }
}

// Not while a read waits: it first yields what came before the end.
void ServerExchange::note_gone() noexcept {
    if (std::exchange(gone_noted_, true)) {
        return;
    }
    outcome().blame(cause_of(connection_->transport().peer_end(), phase()));
    if (stop_) {
        stop_->request();
    }
}

// If the server's patience is over, that is why this ends.
void ServerExchange::note_stop() noexcept {
    if (connection_->stop().requested() && !std::exchange(stop_noted_, true)) {
        outcome().blame({Party::local_resource, Mechanism::drain, phase(), TimeoutKind::none, 0});
    }
}

Task<sluice::Result<std::span<const std::byte>>> ServerExchange::read_content() {
    RequestBody& body = request_.body();
    if (body.error_) {
        co_return std::unexpected(*body.error_);
    }
    invite_content();
    while (!body.ended()) {
        const sluice::Result<std::optional<std::span<const std::byte>>> content = body.decode();
        if (!content) {
            co_return std::unexpected(content_malformed(content.error()));
        }
        if (*content) {
            outcome().times.last_byte_in = connection_->loop().now();
            co_return **content;
        }
        reading_ = true;
        const sluice::Result<void> more =
            co_await connection_->more_input(connection_->core().options().content_pause_max);
        reading_ = false;
        if (!more) {
            co_return std::unexpected(input_ended(more.error()));
        }
        if (client_gone_) {
            note_gone();
        }
    }
    co_return std::span<const std::byte>();
}

void ServerExchange::invite_content() {
    if (!invited_ && response_ == Response::none) {
        invited_ = true;
        send_interim(Status::continue_, nullptr);
        connection_->outbox().flush_soon();
    }
}

sluice::Error ServerExchange::content_malformed(sluice::Error error) noexcept {
    const bool limit = error.code == sluice::Errc::limit_exceeded;
    const bool wanted = response_ != Response::finished;
    return content_failed(
        {Party::peer, limit ? Mechanism::limit : Mechanism::protocol,
         wanted ? ExchangePhase::body : ExchangePhase::linger, TimeoutKind::none, 0},
        error);
}

sluice::Error ServerExchange::input_ended(sluice::Error error) noexcept {
    if (error.code == sluice::Errc::cancelled && !connection_->stop().requested()) {
        error.octets_done = outcome().receive.body;
        return error;  // The handler's own stop: it may read again.
    }
    note_stop();
    if (error.code == sluice::Errc::reset || is_lost(error)) {
        client_gone_ = true;
        outcome().receive.end = StreamEnd::reset;
    } else if (error.code == sluice::Errc::end_of_stream || error.code == sluice::Errc::cut_short) {
        outcome().receive.end = stream_end_of(error.code);
        content_status_ = Status::bad_request;
    } else if (stream_end_of(error.code) == StreamEnd::cut) {
        client_gone_ = true;
        outcome().receive.end = StreamEnd::cut;
    } else if (error.code == sluice::Errc::timed_out && error.os_errno == 0) {
        content_status_ = Status::request_timeout;
    }
    const bool wanted = response_ != Response::finished;
    const Cause cause = receive_cause(error, wanted ? ExchangePhase::body : ExchangePhase::linger,
                                      TimeoutKind::between_bytes);
    return content_failed(cause, error);
}

sluice::Error ServerExchange::content_failed(const Cause& cause, sluice::Error error) noexcept {
    error.octets_done = outcome().receive.body;
    close_ = true;
    request_.body().fail(error);
    const bool known = client_gone_ && std::exchange(gone_noted_, true);
    if (!known && !stop_noted_) {
        outcome().blame(cause);
    }
    if (client_gone_ && stop_) {
        stop_->request();
    }
    return error;
}

bool ServerExchange::must_drain() const noexcept {
    return response_ == Response::finished && !close_ && !client_gone_ && !request_.body().ended();
}

Task<> ServerExchange::drain_content() {
    ReceiveFacts& facts = outcome().receive;
    const ServerOptions& options = connection_->core().options();
    const Instant until = after(connection_->loop().now(), options.drain_max);
    const std::uint64_t before = facts.body;
    bool more = true;
    while (more && !request_.body().ended() && facts.body - before <= options.drain_octets_max) {
        const sluice::Result<std::span<const std::byte>> content =
            co_await with_deadline(until, read_content());
        facts.discarded = facts.body - before;
        more = content.has_value();
    }
    if (!more && !request_.body().error_) {
        outcome().blame(
            {Party::peer, Mechanism::timeout, ExchangePhase::linger, TimeoutKind::linger, 0});
    }
    close_ = close_ || !request_.body().ended();
}

void ServerExchange::settle(bool threw) {
    outcome().times.last_byte_in = outcome().times.last_byte_in == never
                                       ? outcome().times.first_byte_in
                                       : outcome().times.last_byte_in;
    const Cause failed{Party::application, threw ? Mechanism::internal : Mechanism::source_error,
                       ExchangePhase::send_body, TimeoutKind::none, 0};
    note_stop();
    switch (response_) {
        case Response::none: break;
        case Response::begun: break_response(failed); return;
        case Response::finished:
        case Response::broken: return;
    }
    if (client_gone_ || connection_->stop().requested()) {
        return;
    }
    close_ = true;
    fields_.clear();
    if (content_status_ && !threw) {
        respond_with_reason(*content_status_);
        return;
    }
    outcome().blame(
        {Party::application, Mechanism::internal, ExchangePhase::handler, TimeoutKind::none, 0});
    respond_with_reason(Status::internal_server_error);
}

ServerExchange::Next ServerExchange::next() noexcept {
    note_stop();
    if (response_ != Response::finished) {
        connection_->outbox().abandon_message(outcome());
        return Next::reset;
    }
    if (stop_noted_ || client_gone_ || connection_->outbox().error()) {
        return Next::reset;
    }
    if (close_) {
        return Next::linger;
    }
    outcome().connection.reusable = true;
    return Next::request;
}

}  // namespace sluice::http
