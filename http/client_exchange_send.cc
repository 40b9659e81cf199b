// The half of a ClientExchange that sends the request.

#include "sluice/http/client_connection.h"
#include "sluice/http/client_exchange.h"
#include "sluice/http/head_writer.h"
#include "sluice/http/outbox.h"
#include "sluice/http/transport_cause.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/scope.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::http {

bool ClientExchange::may_write() const noexcept {
    return stage_ == Stage::connected && go_ahead_ && !failed_ && !send_failed_ &&
           !can_never_write();
}

bool ClientExchange::can_never_write() const noexcept {
    const bool is_last_attempt = stage_ == Stage::ended || outcome_.send.body_offered > 0;
    return request_ended_ || outcome_.send.stopped ||
           ((failed_ || send_failed_) && is_last_attempt);
}

sluice::Error ClientExchange::error_of_writing() const noexcept {
    sluice::Error reason = failed_ || send_failed_ ? error() : sluice::Error{};
    if (outcome_.send.stopped) {
        reason.code = sluice::Errc::aborted;
    } else if (reason.code == sluice::Errc::none) {
        reason.code = sluice::Errc::closed;
    }
    reason.phase = sluice::Phase::send;
    return reason;
}

Task<sluice::Result<void>> ClientExchange::write(std::span<const std::byte> octets) {
    if (octets.empty()) {
        const Context context = co_await this_task();
        if (context.stop == nullptr || !context.stop->requested()) {
            co_return sluice::Result<void>();
        }
        abort(Mechanism::cancelled);
        co_return failure(sluice::Errc::cancelled, sluice::Phase::send);
    }
    const bool is_declared = framing_.kind == Framing::Kind::length;
    if (is_declared && octets.size() > framing_.length - outcome_.send.body_offered &&
        content_ == nullptr && !can_never_write()) {
        fail({Party::application, Mechanism::protocol, phase()});
        co_return failure(sluice::Errc::limit_exceeded, sluice::Phase::send);
    }
    while (!may_write()) {
        if (can_never_write() || content_ != nullptr) {
            co_return std::unexpected(error_of_writing());
        }
        writer_.reset();
        const bool happened = co_await writer_.wait();
        if (!happened) {
            abort(Mechanism::cancelled);
            co_return failure(sluice::Errc::cancelled, sluice::Phase::send);
        }
    }
    const sluice::Result<void> sent = co_await send_content(octets);
    co_return sent;
}

// Of content that may be sent: its framing, and itself.
Task<sluice::Result<void>> ClientExchange::send_content(std::span<const std::byte> octets) {
    const Context context = co_await this_task();
    StopSource stop(context.stop);
    write_stop_ = &stop;
    ClientConnection& connection = *connection_;
    const std::uint64_t offered_before = outcome_.send.body_offered;
    outcome_.send.body_offered += octets.size();
    if (framing_.kind == Framing::Kind::chunked) {
        append_chunk_head(octets.size());
    }
    Under<sluice::Result<void>> writing(&stop, connection.outbox().write(outcome_, octets));
    const sluice::Result<void> sent = co_await writing;
    write_stop_ = nullptr;
    const bool was_stopped = outcome_.send.stopped;
    if (sent && accepted_as_declared()) {
        outcome_.send.stopped = false;  // An answer's stop came too late: there was no rest.
    }
    if (!sent) {
        // Content that the request brought is sent under the connection's stop, not the caller's.
        const bool is_callers = content_ == nullptr;
        if (is_callers && context.stop != nullptr && context.stop->requested()) {
            abort(Mechanism::cancelled);
        } else {
            sending_failed(sent.error());
        }
    }
    if (!sent || failed_ || was_stopped) {
        connection.wake();  // It may wait for this before it closes.
    }
    if (sent && !failed_) {
        co_return sluice::Result<void>();
    }
    sluice::Error reason = error_of_writing();
    const std::uint64_t accepted = outcome_.send.body_accepted;
    reason.octets_done = accepted > offered_before ? accepted - offered_before : 0;
    co_return std::unexpected(reason);
}

// The line end of the last chunk leaves with what follows it, which saves a send.
void ClientExchange::append_chunk_head(std::uint64_t octets) {
    Outbox& outbox = connection_->outbox();
    if (std::exchange(chunk_open_, true)) {
        outbox.append(outcome_, OctetKind::framing, chunk_end);
    }
    std::array<char, chunk_head_octets_max> line;
    outbox.append(outcome_, OctetKind::framing, chunk_head(octets, line));
}

Task<sluice::Result<void>> ClientExchange::finish() {
    const bool is_declared = framing_.kind == Framing::Kind::length;
    while (!may_write() && !can_never_write()) {
        writer_.reset();
        const bool happened = co_await writer_.wait();
        if (!happened) {
            abort(Mechanism::cancelled);
            co_return failure(sluice::Errc::cancelled, sluice::Phase::send);
        }
    }
    if (may_write()) {
        if (is_declared && outcome_.send.body_offered < framing_.length) {
            fail({Party::application, Mechanism::protocol, phase()});
            co_return failure(sluice::Errc::end_of_stream, sluice::Phase::send,
                              outcome_.send.body_accepted);
        }
        end_request();
    }
    while (outcome_.send.phase != SendPhase::all_accepted) {
        const bool gave_up = failed_ || send_failed_ || outcome_.send.stopped;
        const bool may_come_again = framing_.ends_with_head() && !has_head_;
        if (stage_ == Stage::ended || (gave_up && !may_come_again)) {
            co_return std::unexpected(error_of_writing());
        }
        writer_.reset();
        const bool happened = co_await writer_.wait();
        if (!happened) {
            abort(Mechanism::cancelled);
            co_return failure(sluice::Errc::cancelled, sluice::Phase::send);
        }
    }
    co_return sluice::Result<void>();
}

void ClientExchange::end_request() {
    Outbox& outbox = connection_->outbox();
    if (framing_.kind == Framing::Kind::chunked) {
        if (chunk_open_) {
            outbox.append(outcome_, OctetKind::framing, chunk_end);
        }
        const std::size_t octets = last_chunk_octets(trailers_);
        write_last_chunk(trailers_, outbox.reserve(octets));
        outbox.commit(outcome_, OctetKind::framing, octets);
    }
    request_ended_ = true;
    outbox.end_message(outcome_);
    outbox.flush_soon();
}

void ClientExchange::abort_content() noexcept {
    if (!request_ended_ && !outcome_.send.stopped && !send_failed_) {
        fail({Party::application, Mechanism::source_error, phase()});
    }
}

bool ClientExchange::accepted_as_declared() const noexcept {
    return framing_.kind == Framing::Kind::length && outcome_.send.body_accepted == framing_.length;
}

// Whether all that was declared was written, so that finish() would add nothing to it. An answer
// can overtake that call.
bool ClientExchange::lacks_only_its_end() const noexcept {
    return !request_ended_ && !send_failed_ && !outcome_.send.stopped && write_stop_ == nullptr &&
           framing_.kind == Framing::Kind::length && outcome_.send.body_offered == framing_.length;
}

// Content that the request brought with it.
Task<> ClientExchange::send_own_content() {
    while (!may_write()) {
        if (can_never_write() || failed_) {
            co_return;
        }
        writer_.reset();
        const bool happened = co_await writer_.wait();
        if (!happened) {
            co_return;
        }
    }
    const std::shared_ptr<const std::string> content = content_;
    const sluice::Result<void> sent = co_await send_content(std::as_bytes(std::span(*content)));
    if (sent && connection_ != nullptr && !can_never_write()) {
        end_request();
    }
}

void ClientExchange::request_accepted() {
    writer_.set();
    if (is_answered()) {
        settle();
    } else if (outcome_.receive.phase == ReceivePhase::none ||
               outcome_.receive.phase == ReceivePhase::interim) {
        wait_for(Awaited::first_byte);
    }
}

// What the peer sent before it went can still be read, and may be its answer: so this is not the
// end. The input's end follows soon; but not where the connection lives, and we could not send.
void ClientExchange::sending_failed(const sluice::Error& error) {
    const bool we_stopped = failed_ || outcome_.send.stopped;
    if (we_stopped || std::exchange(send_failed_, true)) {
        return;
    }
    const Cause cause = send_cause(error, outcome_);
    if (cause.mechanism == Mechanism::timeout || cause.party == Party::local_resource) {
        fail(cause);
        return;
    }
    outcome_.blame(cause);
    writer_.set();
    if (is_answered()) {
        settle();
    } else if (!has_head_) {
        wait_for(Awaited::more_bytes);
    }
    if (connection_ != nullptr) {
        connection_->wake();
    }
}

// The answer has made the rest of the request pointless.
void ClientExchange::stop_sending() {
    if (outcome_.send.phase == SendPhase::all_accepted) {
        return;
    }
    outcome_.send.stopped = true;
    if (write_stop_ != nullptr) {
        write_stop_->request();
    }
    writer_.set();
}

}  // namespace sluice::http
