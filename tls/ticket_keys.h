// TicketKeys: what a server seals the sessions with that it gives to its clients.
//
// Whoever gets such a key can read every session that was sealed with it, so each serves for a
// period and is forgotten a few periods later: until then, what it sealed is accepted.
//
// Processes that are to take one another's tickets have their keys from a file, which somebody else
// changes.
//
// Ownership:    Shared by the contexts that take one another's tickets.
// Errors:       ContextError, of a file.
// Threading:    Any.
// Source:       RFC 5077 4, RFC 8446 4.6.1; SSL_CTX_set_tlsext_ticket_key_evp_cb(3).

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/tls/context_error.h"
#include "sluice/tls/openssl_objects.h"

#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <mutex>
#include <string>

namespace sluice::tls {

class TicketKeys {
public:
    // Of its own making, until it is given others.
    explicit TicketKeys(Duration period);
    TicketKeys(TicketKeys&&) = delete;
    ~TicketKeys();

    // From now on the keys of `file`, and no others: the first seals, all of them open. If there is
    // an error, everything stays as it is.
    [[nodiscard]] std::expected<void, ContextError> load(const std::string& file);

    // Makes a new key if the newest has served its period, and forgets the oldest. To be called
    // with each handshake: what has sealed nothing needs no successor. Those of a file stay.
    void tick(Instant now);

    // For OpenSSL's callback: the newest key's name, and an IV, are written, and both contexts
    // begin to seal. Yields whether they could.
    [[nodiscard]] bool begin_to_seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                                     EVP_MAC_CTX* mac);
    // The same the other way round.
    enum class Known : std::uint8_t { no, newest, older };
    [[nodiscard]] Known begin_to_open(const unsigned char* name, const unsigned char* iv,
                                      EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);

private:
    // A ticket is good for two hours, as OpenSSL has it: with periods of an hour, a key that is
    // forgotten has outlived all that it sealed.
    static constexpr int periods_kept = 4;

    // Of a file: enough for any change of keys.
    static constexpr std::size_t keys_max = 16;

    // In a file its octets follow one another: nginx's ssl_session_ticket_key has the same.
    struct Key {
        static constexpr std::size_t octets = 16 + 32 + 32;

        std::array<unsigned char, 16> name;
        std::array<unsigned char, 32> authenticating;
        std::array<unsigned char, 32> sealing;
        Instant made = never;
    };

    void make_newest(Instant now);
    static void forget(std::deque<Key>& keys) noexcept;

    Duration period_;
    // Looked up once: by its old name OpenSSL 3 looks for it at each use.
    OwnedCipher cipher_;
    std::mutex mutex_;  // Of what follows.
    bool is_of_file_ = false;
    std::deque<Key> keys_;  // The newest first; never empty.
};

}  // namespace sluice::tls
