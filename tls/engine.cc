#include "sluice/tls/engine.h"

#include "sluice/runtime/ensure.h"
#include "sluice/tls/engine_bio.h"
#include "sluice/tls/security_facts.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <utility>

namespace sluice::tls {

namespace {

// What SSL_get_error(3) wants before each call. There is nothing but behind a failure, and OpenSSL
// takes as long to clear none as to clear all: once a record, more than one part in a hundred.
void clear_errors() noexcept {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}

}  // namespace

Engine::Engine(OwnedSsl ssl) : ssl_(std::move(ssl)) {
    BIO* const bio = BIO_new(EngineBio::method());
    ensure(bio != nullptr);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    ensure(SSL_set_app_data(ssl_.get(), this) == 1);
    SSL_set_info_callback(ssl_.get(), EngineBio::noted);
}

Engine::~Engine() {
    drop_ssl();
    ERR_clear_error();
}

Engine& Engine::of(const SSL* ssl) noexcept {
    return *static_cast<Engine*>(SSL_get_app_data(ssl));
}

// A session whose connection did not end with SSL_shutdown() would be thought bad: whether the
// stream was cut is no matter of the session's.
void Engine::drop_ssl() noexcept {
    if (ssl_ != nullptr) {
        SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        ssl_.reset();
    }
}

void Engine::feed(Received ciphertext) {
    ensure(input_.empty());
    wire_.received += ciphertext.size();
    if (failed_ || heard_goodbye_) {
        return;
    }
    input_ = std::move(ciphertext);
    if (records_ != nullptr) {
        records_->reader().gather(input_);
    }
}

bool Engine::is_hungry() const noexcept {
    if (records_ != nullptr) {
        return held_.size() == 0 && !records_->reader().has_record();
    }
    return input_.empty() && SSL_pending(ssl_.get()) == 0;
}

std::size_t Engine::input_octets() const noexcept {
    if (records_ != nullptr) {
        return input_.size() + held_.size() + records_->reader().kept_octets();
    }
    return input_.size() + static_cast<std::size_t>(SSL_pending(ssl_.get()));
}

Step Engine::handshake() {
    clear_errors();
    const Step step = step_after(SSL_do_handshake(ssl_.get()));
    if (step == Step::done && !is_elsewhere()) {
        end_handshake();
    }
    return step;
}

// What OpenSSL reads comes from the loop's buffer, which only the loop gives back.
Step Engine::handshake_elsewhere(std::string& output) {
    shaking_->elsewhere = &output;
    return handshake();
}

void Engine::take_back(Step step, std::string_view output) {
    shaking_->elsewhere = nullptr;
    if (!output.empty()) {
        output_.append(std::as_bytes(std::span(output)));
    }
    if (input_.empty() || step == Step::failed || step == Step::ended) {
        used_up_input();
    }
    if (step == Step::done) {
        end_handshake();
    }
}

void Engine::note_secret(const SSL* ssl, std::string_view line) {
    auto* const engine = static_cast<Engine*>(SSL_get_app_data(ssl));
    if (engine == nullptr || engine->shaking_ == nullptr) {
        return;
    }
    if (line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) {
        engine->shaking_->of_client = TrafficSecret::of_key_log(line);
    } else if (line.starts_with("SERVER_TRAFFIC_SECRET_0 ")) {
        engine->shaking_->of_server = TrafficSecret::of_key_log(line);
    }
}

// OpenSSL has read to the end of the handshake's last record, and no further. A server has sealed
// its tickets since, by the secret that its plaintext is sealed by, too.
void Engine::end_handshake() {
    const std::unique_ptr<Shaking> shaken = std::move(shaking_);
    SSL* const ssl = ssl_.get();
    if (SSL_version(ssl) != TLS1_3_VERSION) {
        return;
    }
    const RecordSuite* const suite = RecordSuite::find(SSL_get_current_cipher(ssl));
    ensure(suite != nullptr);
    ensure(SSL_has_pending(ssl) == 0);
    const bool is_server = SSL_is_server(ssl) == 1;
    output_may_wait_ = is_server;
    says_goodbye_ = SSL_get_quiet_shutdown(ssl) == 0;
    records_ = std::make_unique<Records>(
        Records::Beginning{.suite = *suite,
                           .received = is_server ? shaken->of_client : shaken->of_server,
                           .sent = is_server ? shaken->of_server : shaken->of_client,
                           .records_sent = is_server ? shaken->said.records() : 0,
                           .is_server = is_server});
    static_cast<void>(facts());
    if (sessions_ == nullptr) {
        drop_ssl();
    }
    records_->reader().gather(input_);
}

void Engine::used_up_input() noexcept {
    if (!is_elsewhere()) {
        input_.let_go();
    }
}

Engine::Opened Engine::open(std::span<std::byte> into) {
    if (records_ == nullptr) {
        return open_by_ssl(into);
    }
    std::size_t octets = 0;
    while (!failed_ && !heard_goodbye_ && !is_hungry() && octets < into.size()) {
        const std::span<std::byte> room = into.subspan(octets);
        if (held_.size() > 0) {
            octets += take_held(room);
        } else if (records_->reader().room() <= room.size()) {
            octets += open_next(room).octets;
        } else if (octets > 0 || hold_next() != Step::done) {
            break;
        }
    }
    if (failed_ || heard_goodbye_) {
        return {failed_ ? Step::failed : Step::ended, octets};
    }
    return {is_hungry() ? Step::wants_input : Step::done, octets};
}

// The record that is there.
Engine::Opened Engine::open_next(std::span<std::byte> into) {
    const Opened opened = records_->open(input_, into, ssl_ != nullptr ? this : nullptr);
    if (opened.octets > 0 || records_->has_changed_keys()) {
        drop_ssl();
    }
    if (opened.step == Step::ended) {
        heard_goodbye_ = true;
        used_up_input();
    } else if (opened.step == Step::failed) {
        fail(records_->failure());
    } else if (!seals_ && records_->owes_new_keys()) {
        fail({Errc::alert_sent, Alert::internal_error,
              "the peer wants other keys, which the kernel does not take"});
    }
    return opened;
}

Step Engine::hold_next() {
    held_.buffer = BulkBuffer(records_->reader().room());
    const Opened opened = open_next(held_.buffer.octets());
    held_.begin = 0;
    held_.end = opened.octets;
    return opened.step;
}

std::size_t Engine::take_held(std::span<std::byte> into) noexcept {
    const std::size_t octets = std::min(into.size(), held_.size());
    std::memcpy(into.data(), held_.buffer.octets().data() + held_.begin, octets);
    held_.begin += octets;
    if (held_.size() == 0) {
        held_ = Held();
    }
    return octets;
}

std::optional<Refusal> Engine::read_tickets(std::span<const std::byte> header,
                                            const RecordCipher::Body& body) {
    std::array pieces{header, body.first, body.rest};
    tickets_ = pieces;
    std::byte none{};
    std::size_t octets = 0;
    clear_errors();
    const int result = SSL_peek_ex(ssl_.get(), &none, 1, &octets);
    const bool is_read = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
    tickets_ = {};
    ERR_clear_error();
    if (is_read) {
        return std::nullopt;
    }
    return Refusal{Alert::decode_error, "a ticket that cannot be read"};
}

Engine::Opened Engine::open_by_ssl(std::span<std::byte> into) {
    std::size_t octets = 0;
    while (octets < into.size() && !is_hungry()) {
        std::size_t opened = 0;
        clear_errors();
        const int result =
            SSL_read_ex(ssl_.get(), into.data() + octets, into.size() - octets, &opened);
        octets += opened;
        asides_ = opened > 0 ? 0 : asides_;
        if (result != 1) {
            const Step step = step_after(result);
            if (step != Step::done) {
                return {step, octets};
            }
        }
    }
    return {is_hungry() ? Step::wants_input : Step::done, octets};
}

Step Engine::look_ahead() {
    if (records_ == nullptr) {
        std::byte next{};
        std::size_t octets = 0;
        clear_errors();
        return step_after(SSL_peek_ex(ssl_.get(), &next, 1, &octets));
    }
    while (!failed_ && !heard_goodbye_ && held_.size() == 0 && !is_hungry()) {
        static_cast<void>(hold_next());
    }
    if (failed_ || heard_goodbye_) {
        return failed_ ? Step::failed : Step::ended;
    }
    return held_.size() > 0 ? Step::done : Step::wants_input;
}

Step Engine::seal(std::span<const std::byte> plaintext) {
    ensure(plaintext.size() <= record_octets_max);
    if (records_ != nullptr) {
        ensure(seals_);  // Else a nonce would be used twice.
        if (failed_ || said_goodbye_) {
            return failed_ ? Step::failed : Step::ended;
        }
        records_->seal(plaintext, output_);
        return Step::done;
    }
    std::size_t sealed = 0;
    clear_errors();
    const int result = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &sealed);
    ensure(result != 1 || sealed == plaintext.size());
    return step_after(result);
}

void Engine::note_keys(const void* crypto_info) {
    if (!may_offer_keys_) {
        return;
    }
    if (const std::optional<SealingKeys> keys = SealingKeys::of(crypto_info)) {
        offered_ = std::make_unique<Offered>(Offered{.keys = *keys});
    }
}

std::optional<SealingKeys> Engine::take_sealing_keys() noexcept {
    // In the midst of a message of the peer's it is not secured, or behind a failure.
    if (!is_secured() || failed_ || said_goodbye()) {
        return std::nullopt;
    }
    may_offer_keys_ = false;
    const std::unique_ptr<Offered> offered = std::move(offered_);
    if (offered == nullptr || (records_ != nullptr && records_->has_changed_keys())) {
        return std::nullopt;
    }
    offered->keys.have_sealed(records_ != nullptr ? records_->records_sent()
                                                  : offered->sealed.records());
    return offered->keys;
}

void Engine::stop_sealing() noexcept {
    ensure(output_.empty());
    seals_ = false;
}

// In the midst of a handshake there is no such thing.
void Engine::say_goodbye() {
    if (!is_secured() || failed_ || said_goodbye_) {
        return;
    }
    said_goodbye_ = true;
    if (records_ != nullptr) {
        if (says_goodbye_) {
            say_alert(SSL3_AL_WARNING, Alert::close_notify);
        }
    } else {
        clear_errors();
        static_cast<void>(SSL_shutdown(ssl_.get()));
        ERR_clear_error();
    }
}

// Of TLS 1.3 behind the handshake.
void Engine::say_alert(int level, Alert alert) {
    const std::array octets{static_cast<std::byte>(level), static_cast<std::byte>(alert)};
    if (seals_) {
        records_->seal_alert(octets, output_);
    } else {
        output_.append(octets);
    }
}

void Engine::fail(const Records::Failure& failure) {
    failed_ = true;
    code_ = failure.code;
    explanation_ = failure.why;
    if (code_ != Errc::limit_exceeded) {
        detail_ = static_cast<std::uint8_t>(failure.alert);
    }
    if (code_ == Errc::alert_sent && !said_goodbye_) {
        say_alert(SSL3_AL_FATAL, failure.alert);
    }
    used_up_input();
}

Step Engine::step_after(int result) {
    if (failed_) {
        ERR_clear_error();
        return Step::failed;
    }
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_NONE: return Step::done;
        case SSL_ERROR_WANT_READ: return Step::wants_input;
        case SSL_ERROR_ZERO_RETURN:
            heard_goodbye_ = true;
            used_up_input();
            return Step::ended;
        default: break;
    }
    failed_ = true;
    used_up_input();
    const std::string reason = openssl_reason(take_openssl_error());
    if (explanation_.empty()) {
        explanation_ = reason;
    }
    return Step::failed;
}

void Engine::grow_tired() {
    if (code_ == Errc::malformed) {
        code_ = Errc::limit_exceeded;
        explanation_ = "too many messages that carry nothing";
    }
}

void Engine::note_alert(bool received, int level_and_alert) {
    if (!seals_ && !received && records_ == nullptr) {
        const std::array<std::byte, 2> octets{static_cast<std::byte>(level_and_alert >> 8),
                                              static_cast<std::byte>(level_and_alert)};
        output_.append(octets);
    }
    const auto alert = static_cast<Alert>(level_and_alert & 0xFF);
    const bool is_fatal = (level_and_alert >> 8) == SSL3_AL_FATAL;
    const bool is_known = code_ != Errc::malformed;  // The first of all is the reason.
    if (is_fatal && !is_known && alert != Alert::close_notify) {
        code_ = received ? Errc::alert_received : Errc::alert_sent;
        detail_ = static_cast<std::uint8_t>(alert);
    }
}

void Engine::distrust(Flaw flaw, std::string why) {
    if (code_ == Errc::malformed) {
        code_ = Errc::untrusted;
        detail_ = static_cast<std::uint8_t>(flaw);
        explanation_ = std::move(why);
    }
}

void Engine::keep_sessions(std::shared_ptr<SessionCache> cache, std::string origin,
                           const KeptSession& kept, Instant now) noexcept {
    if (kept.session != nullptr) {
        SSL_set_session(ssl_.get(), kept.session.get());
    }
    sessions_ = std::move(cache);
    origin_ = std::move(origin);
    proven_ = kept.proven;
    begun_ = now;
}

void Engine::offered(OwnedSession session) {
    if (sessions_ != nullptr) {
        const bool is_resumed = SSL_session_reused(ssl_.get()) == 1;
        sessions_->keep(origin_, {std::move(session), is_resumed ? proven_ : begun_});
    }
}

Error Engine::error(Phase phase) const noexcept {
    ensure(failed_);
    Error error{code_, phase};
    error.tls = detail_;
    return error;
}

const SecurityFacts& Engine::facts() const {
    if (facts_ == nullptr) {
        facts_ = std::make_unique<const SecurityFacts>(security_facts_of(ssl_.get()));
    }
    return *facts_;
}

}  // namespace sluice::tls
