// The half of a ClientExchange that receives the response.

#include "sluice/http/client_connection.h"
#include "sluice/http/client_exchange.h"
#include "sluice/http/client_options.h"
#include "sluice/http/client_pool.h"
#include "sluice/http/octets.h"
#include "sluice/http/transport_cause.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <utility>

namespace sluice::http {

namespace {

bool is_limit(Errc code) noexcept {
    return code == Errc::head_too_large || code == Errc::fields_too_many ||
           code == Errc::content_too_large || code == Errc::chunk_extension_too_large ||
           code == Errc::trailers_too_large;
}

// Whether the rest of cut content could be asked for: parts are served, and of the same thing.
bool is_resumable(Status status, FieldsView fields) noexcept {
    const std::string_view tag = fields.find("etag").value_or("");
    const bool is_strong = tag.starts_with('"');
    return is_strong &&
           (status == Status::partial_content || fields.has_token("accept-ranges", "bytes"));
}

}  // namespace

void ClientExchange::look() {
    if (!has_head_) {
        read_heads();
    }
    if (connection_ == nullptr || failed_) {
        return;
    }
    if (wants_content_ && !pulled_) {
        pulled_ = next_content();
        if (pulled_) {
            reader_.set();
        }
    }
    if (connection_ != nullptr && !pulled_) {
        judge_limits();
    }
}

// Makes sure that there is input, if any has come.
ClientExchange::Input ClientExchange::receive() {
    if (!input_.empty()) {
        return Input::octets;
    }
    std::optional<sluice::Result<Received>> received = connection_->transport().try_receive();
    if (!received) {
        return Input::nothing;
    }
    if (!*received) {
        const sluice::Error& error = received->error();
        outcome_.receive.end = stream_end_of(error.code);
        // How it was reset is no matter; what of TLS it was, and that nobody reset it, is.
        input_ended(outcome_.receive.end == StreamEnd::cut || is_lost(error)
                        ? error
                        : sluice::Error{sluice::Errc::reset, sluice::Phase::receive});
        return Input::ended;
    }
    input_ = std::move(**received);
    if (input_.empty()) {
        outcome_.receive.end = StreamEnd::fin;
        input_ended({sluice::Errc::end_of_stream, sluice::Phase::receive});
        return Input::ended;
    }
    Times& times = outcome_.times;
    times.last_byte_in = pool_.loop().now();
    if (times.first_byte_in == never) {
        times.first_byte_in = times.last_byte_in;
    }
    return Input::octets;
}

// The peer will say no more.
void ClientExchange::input_ended(const sluice::Error& error) {
    const bool is_fin = outcome_.receive.end == StreamEnd::fin;
    if (is_fin && has_head_ && outcome_.receive.framing == BodyFraming::close) {
        completed();
        return;
    }
    const bool never_sent = outcome_.send.wire_accepted() == 0 && outcome_.connection.reused();
    const ExchangePhase when = never_sent ? ExchangePhase::idle : phase();
    fail(receive_cause(error, when, TimeoutKind::none));
}

void ClientExchange::read_heads() {
    while (!has_head_ && !failed_ && connection_ != nullptr && receive() == Input::octets) {
        read_head();
        if (outcome_.receive.phase == ReceivePhase::head_partial && !failed_) {
            wait_for(Awaited::more_bytes);
        }
    }
}

// Feeds the input to the parser. The octets of a head are copied, since they are to be read for
// longer than their buffer can be kept.
void ClientExchange::read_head() {
    const std::size_t before = head_octets_.size();
    const std::span<const std::byte> input = input_.octets();
    std::span<const std::byte> head = input;
    if (before > 0) {
        const std::size_t room = options_.limits.head_octets_max - before;
        head_octets_.append(text_of(input.first(std::min(input.size(), room))));
        head = std::as_bytes(std::span(head_octets_));
    }
    const Result<MessageParser::HeadStep> step = parser_.feed_head(head);
    if (outcome_.receive.phase < ReceivePhase::head_partial) {
        outcome_.receive.phase = ReceivePhase::head_partial;
    }
    if (!step) {
        // What is too large comes behind the head, which was whole.
        const bool is_whole = step.error().code == Errc::content_too_large;
        outcome_.receive.head += (is_whole ? step.error().octet : head.size()) - before;
        malformed(step.error());
        return;
    }
    const std::size_t taken = step->consumed - before;
    outcome_.receive.head += taken;
    if (before > 0) {
        head_octets_.resize(step->consumed);
    } else {
        head_octets_.assign(text_of(input.first(taken)));
    }
    parser_.moved_to(reinterpret_cast<const std::byte*>(head_octets_.data()));
    input_.drop_front(taken);
    if (input_.empty()) {
        input_.let_go();
    }
    if (step->complete) {
        took_head();
    }
}

void ClientExchange::took_head() {
    const bool is_interim = is_informational(parser_.status());
    if (parser_.status() == Status::switching_protocols) {
        malformed({Errc::head_malformed});  // Nobody offered to.
    } else if (is_interim) {
        took_interim();
    } else {
        took_final();
    }
}

void ClientExchange::took_interim() {
    ++interims_;
    if (interims_ > options_.interim_responses_max) {
        malformed({Errc::head_too_large});
        return;
    }
    outcome_.receive.phase = ReceivePhase::interim;
    if (parser_.status() == Status::continue_) {
        outcome_.continue_received = true;
        go_ahead_ = true;
        writer_.set();
    }
    if (on_interim_) {
        on_interim_(parser_.status(), parser_.fields());
    }
    head_octets_.clear();
    parser_.begin_response(method_);
    if (outcome_.send.phase == SendPhase::all_accepted) {
        wait_for(Awaited::first_byte);
    } else if (go_ahead_) {
        wait_for(Awaited::nothing);
    }
}

void ClientExchange::took_final() {
    const Framing framing = parser_.framing();
    ReceiveFacts& facts = outcome_.receive;
    facts.phase = ReceivePhase::head_complete;
    facts.framing = framing.kind;
    facts.resumable = is_resumable(parser_.status(), parser_.fields());
    outcome_.status = parser_.status();
    if (framing.kind == Framing::Kind::length) {
        facts.declared = framing.length;
        content_left_ = framing.length;
    }
    has_head_ = true;
    wait_for(Awaited::nothing);
    const bool untouched = outcome_.expect_sent && outcome_.send.body_offered == 0;
    const bool is_pointless = !is_successful(parser_.status()) || untouched;
    if (!request_ended_ && !lacks_only_its_end() && is_pointless) {
        stop_sending();
    }
    reader_.set();
    if (send_failed_) {
        writer_.set();  // Who writes need not wait for another attempt: there is an answer.
    }
    if (framing.ends_with_head()) {
        completed();
    }
}

void ClientExchange::malformed(const Error& error) {
    message_error_ = error;
    fail({Party::peer, is_limit(error.code) ? Mechanism::limit : Mechanism::protocol, phase()});
}

void ClientExchange::let_go_of_content() noexcept {
    if (lent_ > 0) {
        input_.drop_front(std::exchange(lent_, 0));
        if (input_.empty()) {
            input_.let_go();
        }
    }
}

// Takes content for a reader who comes later, unless one still has the last.
void ClientExchange::take_ahead() {
    if (has_head_ && !is_answered() && lent_ == 0 && !pulled_) {
        pulled_ = next_content();
        if (pulled_ && !*pulled_) {
            pulled_.reset();
        }
    }
}

// What can be had now: content, an empty span at its end, or why there will be none.
ClientExchange::Content ClientExchange::next_content() {
    let_go_of_content();
    while (true) {
        if (is_answered()) {
            return std::span<const std::byte>();
        }
        if (failed_ || connection_ == nullptr) {
            return std::unexpected(error_of_reading());
        }
        switch (receive()) {
            case Input::nothing: return std::nullopt;
            case Input::ended: break;
            case Input::octets:
                if (Content content = take_content()) {
                    return content;
                }
                break;
        }
    }
}

// Takes content off the input; none, if it held only framing.
ClientExchange::Content ClientExchange::take_content() {
    ReceiveFacts& facts = outcome_.receive;
    const std::span<const std::byte> input = input_.octets();
    std::span<const std::byte> content = input;
    bool is_end = false;
    lent_ = input.size();
    if (facts.framing == BodyFraming::length) {
        lent_ = std::min<std::uint64_t>(content_left_, input.size());
        content = input.first(lent_);
        content_left_ -= lent_;
        is_end = content_left_ == 0;
    } else if (facts.framing == BodyFraming::chunked) {
        const Result<MessageParser::BodyStep> step = parser_.feed_chunked(input);
        if (!step) {
            malformed(step.error());
            return std::nullopt;
        }
        lent_ = step->consumed;
        content = step->content;
        is_end = step->finished;
        facts.framing_octets += step->consumed - content.size();
    }
    if (!content.empty()) {
        facts.phase = ReceivePhase::body_partial;
        facts.body += content.size();
        if (facts.body > options_.limits.content_octets_max) {
            malformed({Errc::content_too_large, options_.limits.content_octets_max});
            return std::nullopt;
        }
    } else {
        let_go_of_content();
    }
    if (is_end) {
        completed();
    }
    return content.empty() ? std::nullopt : Content(content);
}

void ClientExchange::completed() {
    outcome_.receive.phase = ReceivePhase::complete;
    wait_for(Awaited::nothing);
    settle();
}

// The response is complete; what remains is to know what became of the request.
void ClientExchange::settle() {
    if (!failed_ && connection_ != nullptr && lacks_only_its_end()) {
        end_request();  // Which settles it, if all is accepted already.
    }
    if (failed_ || connection_ == nullptr) {
        return;
    }
    if (outcome_.send.phase == SendPhase::all_accepted) {
        ClientConnection& connection = *std::exchange(connection_, nullptr);
        const bool is_drained = input_.size() == lent_;  // More would be an answer to nothing.
        const bool may_stay = parser_.keep_alive() && !close_connection_ && is_drained &&
                              outcome_.receive.framing != BodyFraming::close;
        outcome_.connection.reusable = connection.part(may_stay);
        if (outcome_.connection.reusable) {
            pool_.release(connection);
        }
        end();
    } else if (request_ended_ && !send_failed_ && !outcome_.send.stopped) {
        wait_for(Awaited::acceptance);
    } else {
        stop_sending();
        connection_->close(Ending::reset);
    }
}

// An answer that came while what was in flight was being stopped is an answer.
void ClientExchange::take_last_input() {
    if (message_error_) {
        return;
    }
    ClientConnection* const closing = connection_;
    const bool had_failed = failed_;
    failed_ = false;  // So that what follows is read as if nothing had happened.
    while (!has_head_ && !failed_ && receive() == Input::octets) {
        read_head();
    }
    if (outcome_.cause.mechanism == Mechanism::timeout ||
        outcome_.cause.mechanism == Mechanism::deadline) {
        take_ahead();
    }
    if (connection_ == closing) {  // Else it has ended, and may be another exchange by now.
        failed_ = had_failed || failed_;
    }
}

sluice::Error ClientExchange::error_of_reading() const noexcept {
    sluice::Error reason = error();
    reason.octets_done = outcome_.receive.body;
    return reason;
}

Task<sluice::Result<Response>> ClientExchange::response() {
    while (!has_head_ && stage_ != Stage::ended) {
        reader_.reset();
        const bool happened = co_await reader_.wait();
        if (!happened) {
            abort(Mechanism::cancelled);
            co_return failure(sluice::Errc::cancelled, sluice::Phase::receive);
        }
    }
    if (!has_head_) {
        co_return std::unexpected(error());
    }
    co_return Response(*this);
}

Task<sluice::Result<std::span<const std::byte>>> ClientExchange::read() {
    ensure(has_head_);
    Content content = pulled_ ? std::exchange(pulled_, std::nullopt) : next_content();
    while (!content) {
        wants_content_ = true;
        wait_for(Awaited::more_bytes);
        reader_.reset();
        const bool happened = co_await reader_.wait();
        wants_content_ = false;
        if (!happened) {
            abort(Mechanism::cancelled);
            co_return failure(sluice::Errc::cancelled, sluice::Phase::receive,
                              outcome_.receive.body);
        }
        content = pulled_ ? std::exchange(pulled_, std::nullopt) : next_content();
    }
    co_return *content;
}

Task<Outcome> ClientExchange::outcome() {
    while (stage_ != Stage::ended) {
        const bool is_left = !request_ended_ && content_ == nullptr;
        if (is_left && !outcome_.send.stopped && !send_failed_) {
            if (!has_head_) {
                abort(Mechanism::source_error);
            } else if (lacks_only_its_end()) {
                end_request();
            } else {
                stop_sending();  // The application has, and there is an answer.
            }
        }
        if (has_head_ && !failed_ && !is_answered()) {
            const sluice::Result<std::span<const std::byte>> unread = co_await read();
            if (unread) {
                outcome_.receive.discarded += unread->size();
                if (outcome_.receive.discarded > options_.drain_octets_max) {
                    abort(Mechanism::cancelled);
                }
            }
            continue;
        }
        reader_.reset();
        const bool happened = co_await reader_.wait();
        if (!happened) {
            abort(Mechanism::cancelled);
            co_await reader_.wait_regardless();
        }
    }
    co_return outcome_;
}

}  // namespace sluice::http
