#include "sluice/http/client_exchange.h"

#include "sluice/http/client_connection.h"
#include "sluice/http/client_options.h"
#include "sluice/http/client_pool.h"
#include "sluice/http/head_writer.h"
#include "sluice/http/retry.h"
#include "sluice/http/transport_cause.h"
#include "sluice/runtime/ensure.h"

#include <chrono>
#include <utility>

namespace sluice::http {

ClientExchange::ClientExchange(ClientPool& pool)
    : pool_(pool), options_(pool.options()), parser_(pool.options().limits) {}

void ClientExchange::reset() noexcept {
    ensure(stage_ == Stage::unused);
    has_handle_ = true;
    origin_ = nullptr;
    connection_ = nullptr;
    content_.reset();
    on_interim_ = nullptr;
    trailers_.clear();
    attempts_.clear();
    message_error_.reset();
    total_limit_.passed = false;
}

void ClientExchange::prepare(const ClientRequest& request, ClientOrigin& origin) {
    reset();
    origin_ = &origin;
    method_ = request.method();
    framing_ = request.framing();
    expect_continue_ = request.expects_continue();
    close_connection_ = request.closes_connection();
    content_ = request.content();
    on_interim_ = request.interim_listener();
    const RequestHead head{
        .method = method_,
        .method_text = request.method_text(),
        .target = request.url().target(),
        .host = request.url().authority(),
        .framing = framing_,
        .connection = close_connection_ ? Connection::close : Connection::unsaid,
        .expect_continue = expect_continue_,
        .upgrade = {},
        .fields = &request.fields(),
    };
    head_.clear();
    append_head(head, head_);
    const Duration total = request.total_max().value_or(options_.total_max);
    if (total != never) {
        pool_.loop().arm(total_limit_, pool_.loop().now() + total);
    }
    begin_attempt();
}

void ClientExchange::prepare_refusal(const std::optional<Error>& error) noexcept {
    reset();
    message_error_ = error;
    framing_ = {};
    begin_attempt();
}

void ClientExchange::begin_attempt() {
    stage_ = Stage::waiting;
    wait_for(Awaited::nothing);
    failed_ = false;
    go_ahead_ = !expect_continue_;
    request_ended_ = framing_.ends_with_head();
    chunk_open_ = false;
    send_failed_ = false;
    has_head_ = false;
    wants_content_ = false;
    interims_ = 0;
    lent_ = 0;
    content_left_ = 0;
    head_octets_.clear();
    input_.let_go();
    pulled_.reset();
    outcome_ = {};
    outcome_.side = Side::client;
    outcome_.attempt = static_cast<std::uint8_t>(attempts_.size() + 1);
    outcome_.expect_sent = expect_continue_;
    outcome_.times.queued = pool_.loop().now();
    if (framing_.kind == Framing::Kind::length) {
        outcome_.send.declared = framing_.length;
    }
}

void ClientExchange::wait_for_turn() {
    wait_for(Awaited::connection);
}

void ClientExchange::connect_failed(const sluice::Error& error) {
    const bool at_resolving = error.phase == sluice::Phase::resolve;
    const bool at_securing = error.phase == sluice::Phase::secure;
    const ExchangePhase phase = at_resolving  ? ExchangePhase::resolve
                                : at_securing ? ExchangePhase::tls
                                              : ExchangePhase::connect;
    const TimeoutKind kind = at_resolving  ? TimeoutKind::resolve
                             : at_securing ? TimeoutKind::tls
                                           : TimeoutKind::connect;
    Cause cause = receive_cause(error, phase, kind);
    if (failed_ && cause.mechanism == Mechanism::cancelled) {
        cause = {};  // It was we who stopped it, and why is known.
    }
    outcome_.blame(cause);
    failed_ = true;
    end();
}

void ClientExchange::assigned(ClientConnection& connection) {
    ensure(stage_ == Stage::waiting);
    stage_ = Stage::connected;
    connection_ = &connection;
    outcome_.send.phase = SendPhase::assigned;
    parser_.begin_response(method_);
    Outbox& outbox = connection.outbox();
    outbox.append(outcome_, OctetKind::head, head_);
    if (request_ended_) {
        outbox.end_message(outcome_);
    } else if (content_ != nullptr) {
        connection.scope().spawn(send_own_content());
    }
    outbox.flush_soon();
    wait_for(go_ahead_ ? Awaited::nothing : Awaited::go_ahead);
    writer_.set();
}

void ClientExchange::disconnected() {
    connection_ = nullptr;
    if (is_answered() && outcome_.send.body_accepted > 0 && accepted_as_declared()) {
        // The answer meant to stop the last write, which left nothing to be stopped.
        request_ended_ = true;
        outcome_.send.stopped = false;
        outcome_.send.phase = SendPhase::all_accepted;
    }
    if (may_retry_now()) {
        outcome_.times.ended = pool_.loop().now();
        attempts_.push_back(outcome_);
        begin_attempt();
        pool_.acquire(*this);
        return;
    }
    end();
}

bool ClientExchange::may_retry_now() const noexcept {
    const bool nothing_came = outcome_.receive.phase == ReceivePhase::none;
    if (!has_handle_ || pool_.aborting() || !outcome_.connection.reused() || !nothing_came) {
        return false;
    }
    const bool untouched =
        outcome_.send.body_offered == 0 && (framing_.ends_with_head() || !request_ended_);
    RetryTerms terms;
    terms.method = method_;
    terms.content = content_ != nullptr ? Replayable::buffered
                    : untouched         ? Replayable::untouched
                                        : Replayable::consumed;
    terms.attempts_left = options_.retries_max > attempts_.size()
                              ? options_.retries_max - static_cast<std::uint32_t>(attempts_.size())
                              : 0;
    const Mechanism how = outcome_.cause.mechanism;
    const bool lost =
        how == Mechanism::fin || how == Mechanism::reset || how == Mechanism::unreachable;
    return lost && may_retry(outcome_, terms);
}

void ClientExchange::end() {
    ensure(attempt == nullptr);
    stage_ = Stage::ended;
    connection_ = nullptr;
    limit_.disarm();
    total_limit_.disarm();
    outcome_.times.ended = pool_.loop().now();
    if (!attempts_.empty()) {
        attempts_.push_back(outcome_);
    }
    pool_.report(outcome_);
    writer_.set();
    reader_.set();
    if (!has_handle_) {
        input_.let_go();
        stage_ = Stage::unused;
        pool_.recycle(*this);
    }
}

std::span<const Outcome> ClientExchange::attempts() const noexcept {
    return attempts_.empty() ? std::span(&outcome_, 1) : std::span<const Outcome>(attempts_);
}

void ClientExchange::handle_gone() {
    has_handle_ = false;
    if (stage_ == Stage::ended) {
        lent_ = 0;
        input_.let_go();
        stage_ = Stage::unused;
        pool_.recycle(*this);
        return;
    }
    abort(Mechanism::cancelled);
}

void ClientExchange::abort(Mechanism why) {
    fail({Party::application, why, phase()});
}

void ClientExchange::fail(const Cause& cause) {
    if (stage_ == Stage::ended || stage_ == Stage::unused) {
        return;
    }
    if (failed_ && cause == outcome_.cause) {
        return;
    }
    outcome_.blame(cause);
    if (std::exchange(failed_, true)) {
        return;
    }
    if (write_stop_ != nullptr) {
        write_stop_->request();
    }
    if (connection_ != nullptr) {
        connection_->close(Ending::reset);
        return;
    }
    if (origin_ != nullptr) {
        pool_.withdraw(*this);
    }
    if (attempt == nullptr) {
        end();
    }
}

ExchangePhase ClientExchange::phase() const noexcept {
    if (connection_ == nullptr) {
        return attempt != nullptr ? ExchangePhase::connect : ExchangePhase::pool_wait;
    }
    switch (outcome_.receive.phase) {
        case ReceivePhase::none:
        case ReceivePhase::interim: break;
        case ReceivePhase::head_partial: return ExchangePhase::head;
        case ReceivePhase::head_complete:
        case ReceivePhase::body_partial:
        case ReceivePhase::complete: return ExchangePhase::body;
    }
    if (outcome_.send.phase == SendPhase::all_accepted) {
        return ExchangePhase::first_byte;
    }
    const bool head_is_out = outcome_.send.phase >= SendPhase::head_sent;
    return head_is_out && !go_ahead_ ? ExchangePhase::continue_wait : sending_phase_of(outcome_);
}

// Arms the limit that belongs to what is awaited now, from now on.
void ClientExchange::wait_for(Awaited awaited) {
    // The answer to it is there, so the request's end is accepted in a moment, or never.
    constexpr Duration acceptance_max = std::chrono::milliseconds(100);
    awaited_ = awaited;
    limit_.passed = false;
    Duration limit = never;
    switch (awaited) {
        case Awaited::nothing: break;
        case Awaited::connection: limit = options_.pool_wait_max; break;
        case Awaited::go_ahead: limit = options_.continue_wait_max; break;
        case Awaited::first_byte: limit = options_.first_byte_max; break;
        case Awaited::more_bytes: limit = options_.between_bytes_max; break;
        case Awaited::acceptance: limit = acceptance_max; break;
    }
    if (limit == never) {
        limit_.disarm();
    } else {
        pool_.loop().arm(limit_, pool_.loop().now() + limit);
    }
}

void ClientExchange::limit_passed() noexcept {
    if (connection_ != nullptr) {
        connection_->wake();  // What has just arrived is looked at first.
    } else {
        judge_limits();
    }
}

void ClientExchange::judge_limits() {
    if (total_limit_.passed) {
        fail({Party::application, Mechanism::deadline, phase(), TimeoutKind::total});
        return;
    }
    if (!limit_.passed) {
        return;
    }
    switch (std::exchange(awaited_, Awaited::nothing)) {
        case Awaited::nothing: return;
        case Awaited::connection:
            fail({Party::local_resource, Mechanism::timeout, ExchangePhase::pool_wait,
                  TimeoutKind::pool_wait});
            return;
        case Awaited::go_ahead:
            go_ahead_ = true;
            writer_.set();
            return;
        case Awaited::first_byte:
            fail({Party::peer, Mechanism::timeout, phase(), TimeoutKind::first_byte});
            return;
        case Awaited::more_bytes:
            fail({Party::peer, Mechanism::timeout, phase(), TimeoutKind::between_bytes});
            return;
        case Awaited::acceptance:
            stop_sending();
            settle();
            return;
    }
}

// Why nothing more can be had of the exchange, in the runtime's words.
sluice::Error ClientExchange::error() const noexcept {
    const auto as = [this](sluice::Errc code) {
        return sluice::Error{code, sluice::Phase::receive, 0, outcome_.cause.os_errno};
    };
    switch (outcome_.cause.mechanism) {
        case Mechanism::fin: return as(sluice::Errc::end_of_stream);
        case Mechanism::reset: return as(sluice::Errc::reset);
        case Mechanism::timeout:
        case Mechanism::deadline: return as(sluice::Errc::timed_out);
        case Mechanism::protocol: return as(sluice::Errc::invalid);
        case Mechanism::refused: return as(sluice::Errc::refused);
        case Mechanism::unreachable: return as(sluice::Errc::unreachable);
        case Mechanism::tls: return tls_error_of(outcome_.cause);
        case Mechanism::cancelled: return as(sluice::Errc::cancelled);
        case Mechanism::source_error:
        case Mechanism::sink_error: return as(sluice::Errc::aborted);
        case Mechanism::drain: return as(sluice::Errc::closed);
        case Mechanism::limit: return as(sluice::Errc::limit_exceeded);
        case Mechanism::none:
        case Mechanism::internal: break;
    }
    return as(sluice::Errc::unexpected);
}

}  // namespace sluice::http
