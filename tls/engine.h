// Engine: one end of TLS as a machine: ciphertext in, plaintext out, and the reverse. No I/O.
//
// OpenSSL shakes hands. It reads and writes through a BIO of ours, which is no store: it reads from
// the buffer that the transport beneath has lent, and writes behind what is already to be sent, so
// that many records leave at once. What comes behind the handshake OpenSSL's SSL goes on with in
// TLS 1.2. In TLS 1.3 the SSL goes, and Records take over with the secrets that OpenSSL tells its
// key log: plaintext is sealed from where it is and opened to where it is wanted, and an idle
// connection is a few hundred octets. A client that keeps sessions has the SSL read the tickets,
// which come before the server's first plaintext; later ones it does without.
//
// OpenSSL offers such a BIO its keys, for a kernel that seals. We keep them, decline, and go on as
// we were to the handshake's end: only then is all sent that is sealed already, and a kernel that
// does not take them is nobody's loss.
//
// Ownership:    Owns the SSL. feed() lends it a Received, which goes back as soon as it is used up.
//               take_output() gives away what is to be sent.
// Errors:       A failure is final: error() says what it was. What it has to say to the peer (an
//               alert) is in the output. limit_exceeded: it says much that carries nothing.
// Threading:    One thread, but for handshake_elsewhere().
// Source:       RFC 8446, RFC 5246; SSL_read(3), SSL_get_error(3), BIO_meth_new(3).
//               SSL_OP_ENABLE_KTLS in SSL_CTX_set_options(3), SSL_CTX_set_keylog_callback(3).

#pragma once

#include "sluice/runtime/bulk_buffer.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/received.h"
#include "sluice/runtime/sealing_keys.h"
#include "sluice/runtime/security.h"
#include "sluice/runtime/transport.h"
#include "sluice/tls/openssl_objects.h"
#include "sluice/tls/output.h"
#include "sluice/tls/record_counter.h"
#include "sluice/tls/record_reader.h"
#include "sluice/tls/records.h"
#include "sluice/tls/session_cache.h"
#include "sluice/tls/step.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::tls {

class Engine final : private TicketReader {
public:
    // `ssl` knows already whether it is a client or a server.
    explicit Engine(OwnedSsl ssl);
    Engine(Engine&&) = delete;
    ~Engine();

    // The Engine that a callback of OpenSSL is about.
    [[nodiscard]] static Engine& of(const SSL* ssl) noexcept;
    // What OpenSSL tells a connection's key log, a line each.
    static void note_secret(const SSL* ssl, std::string_view line);

    // Ciphertext, once what came before is used up.
    void feed(Received ciphertext);
    // Whether there is nothing to open, nor opened already.
    [[nodiscard]] bool is_hungry() const noexcept;
    [[nodiscard]] std::size_t input_octets() const noexcept;
    // Nobody will read again: gives the buffer back.
    void let_go_of_input() noexcept { input_.let_go(); }

    [[nodiscard]] Step handshake();
    // The same on any thread, while the loop's own leaves the engine alone. take_back() on the
    // loop's thread ends it: what belongs to that thread is not touched before.
    [[nodiscard]] Step handshake_elsewhere(std::string& output);
    void take_back(Step step, std::string_view output);
    [[nodiscard]] bool is_secured() const noexcept {
        return records_ != nullptr || SSL_is_init_finished(ssl_.get()) == 1;
    }

    // Opens records into `into`, which is not empty, until it has no room for the next (`done`), or
    // what was fed is used up. What was read before another step than `done` is in `octets`, which
    // may be all there was.
    using Opened = Records::Opened;
    [[nodiscard]] Opened open(std::span<std::byte> into);

    // Opens what was fed up to the next plaintext, and takes none of it: a goodbye may come first.
    [[nodiscard]] Step look_ahead();

    // Seals `plaintext`, at most record_octets_max of it, as one record of the output.
    static constexpr std::size_t record_octets_max = 16 * 1024;
    [[nodiscard]] Step seal(std::span<const std::byte> plaintext);

    // Keys for whoever is to seal, in the engine's place, what is sent behind its output so far.
    // They are given away once. None: not now, while the engine has other things to say or to
    // hear; or OpenSSL offers none, for this suite, or as its context was made.
    [[nodiscard]] std::optional<SealingKeys> take_sealing_keys() noexcept;
    // The keys are in use there: from now on the output is alerts, two octets each, to be sealed. A
    // peer that wants other keys has failed, since they cannot be changed there.
    void stop_sealing() noexcept;

    // Says that we shall say no more.
    void say_goodbye();
    [[nodiscard]] bool said_goodbye() const noexcept { return said_goodbye_; }
    [[nodiscard]] bool heard_goodbye() const noexcept { return heard_goodbye_; }

    // Of all that was fed; what was sent is added by whoever sends it.
    [[nodiscard]] WireOctets& wire() noexcept { return wire_; }
    [[nodiscard]] const WireOctets& wire() const noexcept { return wire_; }

    [[nodiscard]] Output& output() noexcept { return output_; }
    // Of one that is secured: whether all of it are tickets for another time, which nobody waits
    // for: they may go with whatever is said next.
    [[nodiscard]] bool output_may_wait() const noexcept { return output_may_wait_; }
    [[nodiscard]] Output take_output() noexcept { return std::exchange(output_, Output()); }

    [[nodiscard]] bool has_failed() const noexcept { return failed_; }
    // Of one that has failed.
    [[nodiscard]] Error error(Phase phase) const noexcept;
    // The same in words, with what OpenSSL and the peer's certificate add to it.
    [[nodiscard]] const std::string& explanation() const noexcept { return explanation_; }

    // From the verification of the peer's certificate.
    void distrust(Flaw flaw, std::string why);

    // Offers `kept`, if it has a session. Those that the server offers for another time are kept in
    // `cache`, for `origin`.
    void keep_sessions(std::shared_ptr<SessionCache> cache, std::string origin,
                       const KeptSession& kept, Instant now) noexcept;
    void offered(OwnedSession session);

    // Null, where it is done with.
    [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }
    // Of one that is secured; for as long as the engine is there.
    [[nodiscard]] const SecurityFacts& facts() const;

private:
    friend struct EngineBio;

    // Of a handshake: freed when it is done.
    struct Shaking {
        TrafficSecret of_client;
        TrafficSecret of_server;
        RecordCounter said;                // Since what was heard last.
        std::string* elsewhere = nullptr;  // On another thread: where its output goes.
    };
    // Keys for what is sent, and how many records OpenSSL has sealed by them since.
    struct Offered {
        SealingKeys keys;
        RecordCounter sealed = {};
    };
    // Plaintext that nobody has taken yet.
    struct Held {
        BulkBuffer buffer;
        std::size_t begin = 0;
        std::size_t end = 0;

        [[nodiscard]] std::size_t size() const noexcept { return end - begin; }
    };

    [[nodiscard]] bool is_elsewhere() const noexcept {
        return shaking_ != nullptr && shaking_->elsewhere != nullptr;
    }
    void end_handshake();
    void drop_ssl() noexcept;
    [[nodiscard]] Step step_after(int result);
    void fail(const Records::Failure& failure);
    void used_up_input() noexcept;
    void grow_tired();
    void note_alert(bool received, int level_and_alert);
    void say_alert(int level, Alert alert);
    void note_keys(const void* crypto_info);
    [[nodiscard]] std::size_t take_held(std::span<std::byte> into) noexcept;
    [[nodiscard]] Opened open_next(std::span<std::byte> into);
    [[nodiscard]] Step hold_next();
    [[nodiscard]] Opened open_by_ssl(std::span<std::byte> into);
    std::optional<Refusal> read_tickets(std::span<const std::byte> header,
                                        const RecordCipher::Body& body) override;

    OwnedSsl ssl_;
    std::unique_ptr<Records> records_;  // Once they have taken over.
    std::unique_ptr<Shaking> shaking_ = std::make_unique<Shaking>();
    Received input_;
    std::span<std::span<const std::byte>> tickets_;  // What OpenSSL reads instead.
    Held held_;
    Output output_;
    WireOctets wire_;
    std::shared_ptr<SessionCache> sessions_;
    std::string origin_;
    Instant proven_ = never;  // When a session's server was: of one that is resumed, and of ours.
    Instant begun_ = never;
    std::string explanation_;
    std::unique_ptr<Offered> offered_;
    mutable std::unique_ptr<const SecurityFacts> facts_;
    std::uint32_t asides_ = 0;  // Steps of messages behind the handshake since the last plaintext.
    Errc code_ = Errc::malformed;  // What an error is, if it is one.
    std::uint8_t detail_ = 0;
    bool failed_ = false;
    bool says_goodbye_ = true;
    bool said_goodbye_ = false;
    bool heard_goodbye_ = false;  // OpenSSL's own mark is set by a fatal alert, too.
    bool seals_ = true;
    bool may_offer_keys_ = true;
    bool output_may_wait_ = false;
};

}  // namespace sluice::tls
