#include "sluice/tls/transport.h"

#include "sluice/runtime/bulk_buffer.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/sealing_keys.h"
#include "sluice/tls/lent_buffers.h"
#include "sluice/tls/send_output.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::tls {

namespace {

// After a while of silence TCP begins slowly: the first records fill one segment each, so that the
// reader can open each as it comes. Then they are as large as they may be.
constexpr Duration idle_min = std::chrono::seconds(1);
constexpr std::uint8_t small_records = 10;
constexpr std::size_t small_record_octets = 1300;

// How long saying goodbye may take: it is a few octets, but a peer that reads nothing takes none.
constexpr Duration goodbye_max = std::chrono::seconds(1);

// What is opened at a time: about what one receive yields.
constexpr std::size_t plaintext_octets_max = std::size_t{64} * 1024;

// What may wait to be sent while nobody sends: a peer can make OpenSSL answer, and we need not.
constexpr std::size_t unsent_answers_max = std::size_t{16} * 1024;

}  // namespace

// An answer of OpenSSL's to the peer, on its way while nobody sends.
struct TlsTransport::Answering {
    Answering(const Context& context, Task<Result<void>> task) : sending(context, std::move(task)) {
        sending.notify(ended);
    }

    Event ended;
    Running<Result<void>> sending;
};

TlsTransport::TlsTransport(Loop& loop, std::unique_ptr<Transport> beneath,
                           std::unique_ptr<Engine> engine, const std::optional<Error>& unsent)
    : loop_(loop), beneath_(std::move(beneath)), engine_(std::move(engine)), output_error_(unsent) {
    ensure(engine_->is_secured());
    input_relay_.emplace(beneath_->input_changed(), input_changed());
    tickets_octets_ = static_cast<std::uint32_t>(engine_->output().size());
    let_kernel_seal();
}

TlsTransport::~TlsTransport() {
    ensure(!input_relay_.has_value());
}

std::optional<Result<Received>> TlsTransport::try_receive() noexcept {
    BulkBuffer into;
    std::size_t octets = 0;
    while (!input_ended_ && (octets == 0 || !engine_->is_hungry())) {
        if (engine_->is_hungry() && !feed()) {
            break;
        }
        if (into.octets().empty()) {
            into = BulkBuffer(std::min(engine_->input_octets(), plaintext_octets_max));
        }
        const Engine::Opened opened = engine_->open(into.octets().subspan(octets));
        octets += opened.octets;
        engine_->wire().plaintext_received += opened.octets;
        if (opened.step == Step::ended) {
            input_ended_ = true;
            tell_of_end();
        } else if (opened.step == Step::failed) {
            end_input(engine_->error(Phase::receive));
        } else if (opened.step == Step::done) {
            break;  // No room.
        }
    }
    answer();
    if (octets > 0) {
        if (beneath_->peer_end() == PeerEnd::fin) {
            look_for_goodbye();
        }
        std::optional<Received> plaintext = LentBuffers::here().lend(std::move(into), octets);
        if (plaintext) {
            return std::move(*plaintext);
        }
        end_input(Error{Errc::resources_exhausted, Phase::receive});
    }
    if (!input_ended_) {
        return std::nullopt;
    }
    if (input_error_) {
        return std::unexpected(*input_error_);
    }
    return Received();
}

// Yields whether there is something to open.
bool TlsTransport::feed() noexcept {
    if (engine_->output().size() > unsent_answers_max) {
        end_input(Error{Errc::limit_exceeded, Phase::receive});
        return false;
    }
    std::optional<Result<Received>> ciphertext = beneath_->try_receive();
    if (!ciphertext) {
        return false;
    }
    if (!*ciphertext) {
        end_input(ciphertext->error());
        return false;
    }
    if ((*ciphertext)->empty()) {
        end_input(Error{Errc::cut_short, Phase::receive});
        return false;
    }
    engine_->feed(std::move(**ciphertext));
    return true;
}

void TlsTransport::end_input(const Error& error) noexcept {
    input_ended_ = true;
    input_error_ = error;
    engine_->let_go_of_input();
}

std::size_t TlsTransport::Batch::plaintext_within(std::uint64_t ciphertext) const noexcept {
    std::size_t plaintext = 0;
    for (const Record& each : std::span(records).first(count)) {
        plaintext = each.ciphertext <= ciphertext ? each.plaintext : plaintext;
    }
    return plaintext;
}

std::size_t TlsTransport::record_octets() noexcept {
    if (small_records_left_ == 0) {
        return Engine::record_octets_max;
    }
    --small_records_left_;
    return small_record_octets;
}

// Seals as much of `parts` as one batch holds, behind what OpenSSL had to say, and takes it off
// them.
void TlsTransport::seal(std::span<iovec>& parts, Batch& batch) noexcept {
    constexpr std::size_t overhead_max = 256;
    std::size_t plaintext = 0;
    while (!parts.empty() && batch.count < Batch::records_max) {
        iovec& part = parts.front();
        const std::size_t octets = std::min(part.iov_len, record_octets());
        if (octets == 0) {
            parts = parts.subspan(1);
            continue;
        }
        const std::size_t needed = engine_->output().size() + octets + overhead_max;
        if (batch.count > 0 && needed > Batch::octets_max) {
            break;
        }
        // The first says how much is to come.
        const bool is_more = parts.size() > 1 || part.iov_len > octets;
        engine_->output().reserve(is_more && octets == Engine::record_octets_max ? Batch::octets_max
                                                                                 : needed);
        const auto* const from = static_cast<const std::byte*>(part.iov_base);
        if (engine_->seal({from, octets}) != Step::done) {
            output_error_ = engine_->has_failed() ? engine_->error(Phase::send)
                                                  : Error{Errc::closed, Phase::send};
            return;
        }
        plaintext += octets;
        batch.records[batch.count] = {engine_->output().size(), plaintext};
        ++batch.count;
        part.iov_base = static_cast<std::byte*>(part.iov_base) + octets;
        part.iov_len -= octets;
    }
    batch.output = engine_->take_output();
    tickets_octets_ = 0;
}

Task<Result<std::uint64_t>> TlsTransport::send(std::span<iovec> parts) {
    ensure(!std::exchange(sending_, true));
    if (answering_ != nullptr) {
        std::ignore = co_await end_answering();
    }
    if (!last_sent_ || loop_.now() > after(*last_sent_, idle_min)) {
        small_records_left_ = small_records;
    }
    std::uint64_t accepted = 0;
    while (!parts.empty() && !output_error_) {
        let_kernel_seal();
        if (sealing_ != nullptr) {
            const std::uint64_t unsealed = co_await send_unsealed(parts);
            accepted += unsealed;
            break;
        }
        Batch batch;
        seal(parts, batch);
        if (output_error_ || batch.output.empty()) {
            break;
        }
        iovec part{batch.output.octets().data(), batch.output.size()};
        const Result<std::uint64_t> sent = co_await beneath_->send(std::span(&part, 1));
        const std::uint64_t ciphertext = sent ? *sent : sent.error().octets_done;
        const std::size_t plaintext = batch.plaintext_within(ciphertext);
        engine_->wire().sent += ciphertext;
        accepted += plaintext;
        engine_->wire().plaintext_sent += plaintext;
        wire_behind_plaintext_ = 0;
        if (!sent) {
            output_error_ = sent.error();
        }
    }
    last_sent_ = loop_.now();
    sending_ = false;
    answer();
    if (output_error_) {
        Error error = *output_error_;
        error.octets_done = accepted;
        co_return std::unexpected(error);
    }
    co_return accepted;
}

// As soon as all is sent that OpenSSL has sealed.
void TlsTransport::let_kernel_seal() {
    if (sealing_ != nullptr || output_error_ || !engine_->output().empty()) {
        return;
    }
    if (const std::optional<SealingKeys> keys = engine_->take_sealing_keys()) {
        sealing_ = beneath_->seal_in_kernel(*keys);
    }
    if (sealing_ != nullptr) {
        engine_->stop_sealing();
    }
}

// The kernel makes the records. An alert of ours is the last, or comes before.
Task<std::uint64_t> TlsTransport::send_unsealed(std::span<iovec> parts) {
    const Result<void> said = co_await send_alerts();
    if (!said) {
        output_error_ = said.error();
    } else if (engine_->has_failed()) {
        output_error_ = engine_->error(Phase::send);
    } else if (engine_->said_goodbye()) {
        output_error_ = Error{Errc::closed, Phase::send};
    }
    if (output_error_) {
        co_return 0;
    }
    const Result<std::uint64_t> sent = co_await beneath_->send(parts);
    const std::uint64_t accepted = sent ? *sent : sent.error().octets_done;
    engine_->wire().sent += accepted;
    engine_->wire().plaintext_sent += accepted;
    wire_behind_plaintext_ = 0;
    if (!sent) {
        output_error_ = sent.error();
    }
    co_return accepted;
}

// Each is a record of its own (RFC 8446 5.1).
Task<Result<void>> TlsTransport::send_alerts() {
    const Output output = engine_->take_output();
    constexpr std::size_t alert_octets = 2;
    for (std::size_t at = 0; at < output.size(); at += alert_octets) {
        const std::span<const std::byte> alert = output.octets().subspan(at, alert_octets);
        const Result<void> sent = co_await sealing_->send_record(RecordType::alert, alert);
        if (!sent) {
            co_return sent;
        }
        engine_->wire().sent += alert_octets;
    }
    co_return Result<void>();
}

// What OpenSSL has to say and nobody's plaintext goes with.
Task<Result<void>> TlsTransport::send_output() {
    const std::uint64_t sent_before = engine_->wire().sent;
    tickets_octets_ = 0;
    Result<void> sent;
    if (sealing_ != nullptr) {
        sent = co_await send_alerts();
    } else {
        sent = co_await tls::send_output(*engine_, *beneath_);
    }
    wire_behind_plaintext_ += engine_->wire().sent - sent_before;
    if (!sent) {
        output_error_ = sent.error();
    }
    co_return sent;
}

// To a peer that wants to negotiate again, say, and that may wait for no less before it says what
// somebody here waits for. Whoever sends takes with it what there is to say; and why it failed
// an engine says at the end, when it is made sure that the peer can hear it.
void TlsTransport::answer() noexcept {
    const bool may_speak = !sending_ && !output_error_ && !fin_sent_ && !engine_->said_goodbye() &&
                           !engine_->has_failed() && !is_gone(beneath_->peer_end());
    const bool is_answering = answering_ != nullptr && !answering_->ended.is_set();
    if (may_speak && !is_answering && engine_->output().size() > tickets_octets_) {
        answering_ = std::make_unique<Answering>(Context{&loop_, nullptr}, send_answers());
    }
}

Task<Result<void>> TlsTransport::send_answers() {
    Result<void> sent;
    while (sent && !engine_->output().empty() && !engine_->has_failed()) {
        sent = co_await send_output();
    }
    co_return sent;
}

// Of whoever is `sending_`. A stop gives the answer up, and so all that would come behind it.
Task<Result<void>> TlsTransport::end_answering() {
    const bool has_ended = co_await answering_->ended.wait();
    if (!has_ended) {
        answering_->sending.request_stop();
    }
    co_await answering_->sending.join();
    Result<void> sent = answering_->sending.take();
    answering_.reset();
    co_return sent;
}

Task<Result<void>> TlsTransport::say_goodbye() {
    ensure(!std::exchange(sending_, true));
    Result<void> said = co_await shielded(with_timeout(goodbye_max, say_all_and_goodbye()));
    sending_ = false;
    co_return said;
}

Task<Result<void>> TlsTransport::say_all_and_goodbye() {
    if (answering_ != nullptr) {
        std::ignore = co_await end_answering();
    }
    if (output_error_) {
        co_return std::unexpected(*output_error_);
    }
    engine_->say_goodbye();
    if (engine_->output().empty()) {
        co_return Result<void>();
    }
    Result<void> said = co_await send_output();
    co_return said;
}

Task<Result<void>> TlsTransport::shut_down_sending() {
    const Result<void> said = co_await say_goodbye();
    if (said) {
        fin_sent_ = true;
        const Result<void> shut = co_await beneath_->shut_down_sending();
        co_return shut;
    }
    // Without our goodbye, TCP's end tells the peer that it was cut.
    fin_sent_ = true;
    std::ignore = co_await beneath_->shut_down_sending();
    co_return said;
}

Task<> TlsTransport::close(Ending ending) {
    if (!input_relay_) {
        co_return;
    }
    ensure(!sending_);
    const bool has_alert = engine_->has_failed() && !engine_->output().empty();
    const bool may_speak = !output_error_ && !fin_sent_ && !is_gone(beneath_->peer_end());
    if (may_speak && (ending == Ending::orderly || has_alert)) {
        const Result<void> said = co_await say_goodbye();
        // A reset would take the alert back from a peer that has not read it.
        ending = said && has_alert ? Ending::orderly : ending;
    }
    output_error_ = output_error_.value_or(Error{Errc::closed, Phase::send});  // Also of answers.
    if (answering_ != nullptr) {
        answering_->sending.request_stop();
        std::ignore = co_await end_answering();
    }
    beneath_->listen_for_peer_end(nullptr);
    engine_->let_go_of_input();
    input_relay_.reset();
    co_await beneath_->close(ending);
}

PeerEnd TlsTransport::peer_end() const noexcept {
    const PeerEnd beneath = beneath_->peer_end();
    if (is_gone(beneath)) {
        return beneath;
    }
    if (engine_->heard_goodbye()) {
        return PeerEnd::fin;
    }
    return beneath == PeerEnd::fin && input_ended_ ? PeerEnd::cut : PeerEnd::none;
}

void TlsTransport::listen_for_peer_end(PeerEndListener* listener) noexcept {
    listener_ = listener;
    beneath_->listen_for_peer_end(listener != nullptr ? this : nullptr);
}

void TlsTransport::peer_ended(PeerEnd end) noexcept {
    if (is_gone(end)) {
        tell_of_end();
    } else {
        look_for_goodbye();
    }
}

// TCP's FIN has come, and so has all that came before it.
void TlsTransport::look_for_goodbye() noexcept {
    while (!input_ended_ && engine_->is_hungry() && feed()) {
        switch (engine_->look_ahead()) {
            case Step::done:
            case Step::wants_input: break;
            case Step::ended: input_ended_ = true; break;
            case Step::failed: end_input(engine_->error(Phase::receive)); break;
        }
    }
    answer();
    tell_of_end();
}

// Once, whether the goodbye or TCP's end was the first to be noticed; and of a connection that is
// gone after it.
void TlsTransport::tell_of_end() noexcept {
    const PeerEnd end = peer_end();
    const bool is_news =
        told_ == PeerEnd::none ? end != PeerEnd::none : is_gone(end) && !is_gone(told_);
    if (is_news && listener_ != nullptr) {
        told_ = end;
        listener_->peer_ended(end);
    }
}

// TCP knows of ciphertext only. What it has not acknowledged is taken to be the newest plaintext,
// and of the record that its edge lies in nothing is acknowledged.
SocketState TlsTransport::state() noexcept {
    SocketState state = beneath_->state();
    const std::uint64_t fin = fin_sent_ && state.unacknowledged > 0 ? 1 : 0;
    const std::uint64_t ciphertext = state.unacknowledged - fin;
    const std::uint64_t sent = engine_->wire().plaintext_sent;
    std::uint64_t plaintext = 0;
    if (ciphertext > wire_behind_plaintext_) {
        plaintext = ciphertext - wire_behind_plaintext_ + Engine::record_octets_max;
    }
    plaintext_acknowledged_ = std::max(plaintext_acknowledged_, sent - std::min(sent, plaintext));
    state.acknowledged = plaintext_acknowledged_;
    state.unacknowledged = sent - plaintext_acknowledged_ + fin;
    return state;
}

std::optional<WireOctets> TlsTransport::wire_octets() const noexcept {
    WireOctets octets = engine_->wire();
    if (sealing_ != nullptr) {
        octets.sent += sealing_->overhead_octets();
    }
    return octets;
}

const SecurityFacts* TlsTransport::security() const noexcept {
    return &engine_->facts();
}

}  // namespace sluice::tls
