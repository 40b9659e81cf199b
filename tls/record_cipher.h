// RecordCipher: the protection of TLS 1.3's records, of one direction of a connection.
//
// OpenSSL's AEADs seal and open; what is here is which key, which nonce and which associated data a
// record has. A context of OpenSSL's with its key schedule takes five times the memory of the key,
// and a good part of a microsecond to make: those in use lately are kept, up to a number of them a
// thread, and an idle connection has none.
//
// Ownership:    Its secrets, which are wiped when it goes.
// Threading:    One thread, from the first record on.
// Source:       RFC 8446 5.2 (records), 5.3 (nonces), 7.2 (new keys), 7.3 (keys of a secret).

#pragma once

#include "sluice/tls/openssl_objects.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string_view>

namespace sluice::tls {

// What the suites of TLS 1.3 differ in.
struct RecordSuite {
    // None: of another version, or one that is not offered (see make_context()).
    [[nodiscard]] static const RecordSuite* find(const SSL_CIPHER* cipher) noexcept;

    const char* cipher;
    const char* digest;
    std::size_t key_octets;
    std::size_t secret_octets;
};

struct TrafficSecret {
    static constexpr std::size_t octets_max = 48;

    // Of a line of OpenSSL's key log, the last word of which it is.
    [[nodiscard]] static TrafficSecret of_key_log(std::string_view line) noexcept;

    TrafficSecret() = default;
    TrafficSecret(const TrafficSecret&) = default;
    TrafficSecret& operator=(const TrafficSecret&) = default;
    ~TrafficSecret();

    std::array<std::byte, octets_max> octets{};
    std::size_t size = 0;
};

class RecordCipher {
public:
    enum class Use : std::uint8_t { seal, open };

    static constexpr std::size_t header_octets = 5;
    static constexpr std::size_t tag_octets = 16;
    // Around the content of a record that is not padded: its header, its type, its tag.
    static constexpr std::size_t overhead_octets = header_octets + 1 + tag_octets;

    RecordCipher(Use use, const RecordSuite& suite, const TrafficSecret& secret,
                 std::uint64_t next_record);
    RecordCipher(RecordCipher&&) = delete;
    ~RecordCipher();

    // The number of the record that comes next, of those under this key.
    [[nodiscard]] std::uint64_t next_record() const noexcept { return next_; }

    // The next record, of `content` and `type`, into `record`, which is as long as it gets.
    void seal(std::uint8_t type, std::span<const std::byte> content, std::span<std::byte> record);

    // The body of the next record lies in two pieces, the second of which may be empty. Its
    // plaintext, which is shorter by the tag, goes to `into`, which is neither of them; what is
    // there is of no worth if this yields false: it was not sealed by this key, or altered.
    struct Body {
        std::span<const std::byte> first;
        std::span<const std::byte> rest;

        [[nodiscard]] std::size_t size() const noexcept { return first.size() + rest.size(); }
    };
    [[nodiscard]] bool open(std::span<const std::byte, header_octets> header, const Body& body,
                            std::byte* into);

    // To the keys behind these, which say nothing about them. Records count from 0 again.
    void change_keys();

private:
    friend class WarmCiphers;
    using OwnedCipherContext = std::unique_ptr<EVP_CIPHER_CTX, Frees<EVP_CIPHER_CTX_free>>;

    static constexpr std::size_t key_octets_max = 32;
    static constexpr std::size_t iv_octets = 12;

    void derive_keys();
    [[nodiscard]] EVP_CIPHER_CTX* begin_record(std::span<const std::byte, header_octets> header);

    const RecordSuite& suite_;
    TrafficSecret secret_;
    std::array<std::byte, key_octets_max> key_{};
    std::array<std::byte, iv_octets> iv_{};
    std::uint64_t next_;
    OwnedCipherContext context_;                // While it is warm,
    std::list<RecordCipher*>::iterator place_;  // and where it is among those that are.
    Use use_;
};

}  // namespace sluice::tls
