#include "sluice/tls/engine.h"

#include "sluice/runtime/ensure.h"
#include "sluice/tls/peer_certificate.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <utility>

namespace sluice::tls {

namespace {

// What a peer may say in a row that carries no plaintext: tickets, updates of keys. Each costs us
// more than it costs the peer, and OpenSSL counts only records that are empty. It tells twice of
// each: where it begins, and behind it.
constexpr std::uint32_t asides_max = 2 * 32;

// What SSL_get_error(3) wants before each call. There is nothing but behind a failure, and OpenSSL
// takes as long to clear none as to clear all: once a record, more than one part in a hundred.
void clear_errors() noexcept {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}

}  // namespace

// What OpenSSL calls.
struct EngineBio {
    static int read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
        Engine& engine = *static_cast<Engine*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (engine.asides_ > asides_max) {
            engine.grow_tired();
            return -1;
        }
        *count = std::min(size, engine.input_.size());
        if (*count == 0) {
            BIO_set_retry_read(bio);
            return -1;
        }
        std::memcpy(into, engine.input_.octets().data(), *count);
        engine.input_.drop_front(*count);
        if (engine.input_.empty()) {
            engine.used_up_input();
        }
        return 1;
    }

    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
        Engine& engine = *static_cast<Engine*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        *count = size;
        if (!engine.seals_) {
            return 1;  // Sealed by keys that others go on with. What is to be said is noted.
        }
        if (engine.offered_ != nullptr) {
            engine.offered_->sealed.count(std::as_bytes(std::span(from, size)));
        }
        if (engine.elsewhere_ != nullptr) {
            engine.elsewhere_->append(from, size);
        } else {
            engine.output_.append(std::as_bytes(std::span(from, size)));
        }
        return 1;
    }

    // Of keys for sending, `number` is not 0. They are declined, as everything that is not known.
    static long control(BIO* bio, int command, long number, void* argument) {
        constexpr int offer_of_keys = 72;  // BIO_CTRL_SET_KTLS, which OpenSSL's headers leave out.
        if (command == offer_of_keys && number != 0) {
            static_cast<Engine*>(BIO_get_data(bio))->note_keys(argument);
        }
        return command == BIO_CTRL_FLUSH;
    }

    static BIO_METHOD* method() {
        static BIO_METHOD* const method = [] {
            BIO_METHOD* const made =
                BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");
            ensure(made != nullptr);
            ensure(BIO_meth_set_read_ex(made, read) == 1);
            ensure(BIO_meth_set_write_ex(made, write) == 1);
            ensure(BIO_meth_set_ctrl(made, control) == 1);
            return made;
        }();
        return method;
    }

    static void noted(const SSL* ssl, int where, int value) {
        if ((where & SSL_CB_ALERT) != 0) {
            Engine::of(ssl).note_alert((where & SSL_CB_READ) != 0, value);
        } else if ((where & SSL_CB_LOOP) != 0 && SSL_get_state(ssl) == TLS_ST_OK) {
            ++Engine::of(ssl).asides_;
        }
    }
};

void Output::reserve(std::size_t octets) {
    constexpr std::size_t least = std::size_t{4} * 1024;
    const std::size_t room = buffer_.octets().size();
    if (octets <= room) {
        return;
    }
    BulkBuffer larger(std::max({octets, 2 * room, least}));
    std::ranges::copy(this->octets(), larger.octets().begin());
    buffer_ = std::move(larger);
}

void Output::append(std::span<const std::byte> octets) {
    reserve(size_ + octets.size());
    std::memcpy(buffer_.octets().data() + size_, octets.data(), octets.size());
    size_ += octets.size();
}

Engine::Engine(OwnedSsl ssl) : ssl_(std::move(ssl)) {
    BIO* const bio = BIO_new(EngineBio::method());
    ensure(bio != nullptr);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    ensure(SSL_set_app_data(ssl_.get(), this) == 1);
    SSL_set_info_callback(ssl_.get(), EngineBio::noted);
}

// A session whose connection did not end with SSL_shutdown() would be thought bad: whether the
// stream was cut is no matter of the session's.
Engine::~Engine() {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ERR_clear_error();
}

Engine& Engine::of(const SSL* ssl) noexcept {
    return *static_cast<Engine*>(SSL_get_app_data(ssl));
}

void Engine::feed(Received ciphertext) noexcept {
    ensure(input_.empty());
    wire_.received += ciphertext.size();
    input_ = std::move(ciphertext);
}

Step Engine::handshake() {
    clear_errors();
    return step_after(SSL_do_handshake(ssl_.get()));
}

// What OpenSSL reads comes from the loop's buffer, which only the loop gives back.
Step Engine::handshake_elsewhere(std::string& output) {
    elsewhere_ = &output;
    return handshake();
}

void Engine::take_back(Step step, std::string_view output) {
    elsewhere_ = nullptr;
    if (!output.empty()) {
        output_.append(std::as_bytes(std::span(output)));
    }
    if (input_.empty() || step == Step::failed || step == Step::ended) {
        used_up_input();
    }
}

void Engine::used_up_input() noexcept {
    if (elsewhere_ == nullptr) {
        input_.let_go();
    }
}

Engine::Opened Engine::open(std::span<std::byte> into) {
    const Opened opened = open_records(into);
    return is_asked_for_new_keys() ? Opened{refuse_new_keys(), opened.octets} : opened;
}

Engine::Opened Engine::open_records(std::span<std::byte> into) {
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
    std::byte next{};
    std::size_t octets = 0;
    clear_errors();
    const Step step = step_after(SSL_peek_ex(ssl_.get(), &next, 1, &octets));
    return is_asked_for_new_keys() ? refuse_new_keys() : step;
}

Step Engine::seal(std::span<const std::byte> plaintext) {
    ensure(plaintext.size() <= record_octets_max);
    if (is_to_change_keys()) {
        offered_.reset();
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
    if (offered == nullptr || is_to_change_keys()) {
        return std::nullopt;
    }
    offered->keys.have_sealed(offered->sealed.records());
    return offered->keys;
}

void Engine::stop_sealing() noexcept {
    ensure(output_.empty());
    seals_ = false;
}

// OpenSSL would answer within the next record that it seals, of which there is none.
Step Engine::refuse_new_keys() {
    if (!failed_) {
        failed_ = true;
        explanation_ = "the peer wants other keys, which the kernel does not take";
        note_alert(false, SSL3_AL_FATAL << 8 | SSL_AD_INTERNAL_ERROR);
        used_up_input();
    }
    return Step::failed;
}

// In the midst of a handshake there is no such thing.
void Engine::say_goodbye() {
    if (is_secured() && !failed_ && !said_goodbye()) {
        clear_errors();
        static_cast<void>(SSL_shutdown(ssl_.get()));
        ERR_clear_error();
    }
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
    if (!seals_ && !received) {
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

SecurityFacts Engine::facts() const {
    SSL* const ssl = ssl_.get();
    SecurityFacts facts;
    facts.version = SSL_version(ssl) == TLS1_3_VERSION ? TlsVersion::tls_1_3 : TlsVersion::tls_1_2;
    facts.is_resumed = SSL_session_reused(ssl) == 1;
    if (const char* const suite = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl))) {
        facts.suite = suite;
    }
    const unsigned char* protocol = nullptr;
    unsigned octets = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &octets);
    facts.protocol.assign(reinterpret_cast<const char*>(protocol), octets);
    if (const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
        facts.server_name = host;
    }
    facts.peer = peer_certificate_of(ssl);
    return facts;
}

}  // namespace sluice::tls
