// TicketKeys: what a server seals the sessions with that it gives to its clients.
//
// Whoever gets such a key can read every session that was sealed with it, so each serves for a
// period and is forgotten a few periods later: until then, what it sealed is accepted.
//
// Ownership:    Shared by the contexts that take one another's tickets.
// Threading:    Any.
// Source:       RFC 5077 4, RFC 8446 4.6.1; SSL_CTX_set_tlsext_ticket_key_evp_cb(3).

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/tls/openssl_objects.h"

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>

namespace sluice::tls {

class TicketKeys {
public:
    explicit TicketKeys(Duration period);
    TicketKeys(TicketKeys&&) = delete;
    ~TicketKeys();

    // Makes a new key if the newest has served its period, and forgets the oldest. To be called
    // with each handshake: what has sealed nothing needs no successor.
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

    struct Key {
        std::array<unsigned char, 16> name;
        std::array<unsigned char, 32> sealing;
        std::array<unsigned char, 32> authenticating;
        Instant made = never;
    };

    void make_newest(Instant now);

    Duration period_;
    std::mutex mutex_;      // Of what follows.
    std::deque<Key> keys_;  // The newest first; never empty.
};

}  // namespace sluice::tls
