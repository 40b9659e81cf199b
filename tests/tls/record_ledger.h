// RecordLedger: which records were written, of every connection: how long each was on the wire, how
// much plaintext was in it, and which was the goodbye.
//
// By it what the kernels counted, in octets of ciphertext, is turned into what the applications'
// records must say. Of TLS 1.3 it opens by itself what the kernels were given, with the secrets
// that OpenSSL tells its key log; of TLS 1.2 it hears what OpenSSL writes: nothing of ours that
// stands above. Connections are told apart by what every one begins with, the random octets of its
// ClientHello.
//
// Ownership:    Outlives the connections of the contexts that it hears.
// Source:       SSL_CTX_set_msg_callback(3), SSL_CTX_set_keylog_callback(3); RFC 8446 4.1.2, 5.2,
//               5.3, 7.3.

#pragma once

#include "sluice/tls/openssl_objects.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tests {

class RecordLedger {
public:
    // So many octets of a connection say which it is.
    static constexpr std::size_t opening_octets = 43;

    void hear(SSL_CTX* context);

    // What a kernel was given by one end, behind what it was given before.
    void given(std::string_view opening, bool by_server, std::span<const std::byte> octets);

    // Plaintext in those records of one end that are whole within so many octets of what it wrote.
    [[nodiscard]] std::uint64_t plaintext_within(std::string_view opening, bool by_server,
                                                 std::uint64_t octets) const;
    // Where its close_notify ends, if it has written one.
    [[nodiscard]] std::optional<std::uint64_t> goodbye_end(std::string_view opening,
                                                           bool by_server) const;

private:
    struct Record {
        std::uint64_t end;        // On the wire, from the connection's beginning.
        std::uint64_t plaintext;  // Of the application, up to here.
    };
    struct Written {
        void add(std::uint64_t octets, std::uint64_t plaintext);

        std::vector<Record> records;
        std::optional<std::uint64_t> goodbye_end;
    };

    // Opens the records of one end of TLS 1.3.
    class Opener {
    public:
        void know(const SSL* ssl, std::string_view secret);
        [[nodiscard]] bool knows() const noexcept { return context_ != nullptr; }
        // Of a record that is sealed: its type and the octets of its content. None: it is of the
        // handshake, which has other keys. Valid until the next.
        struct Content {
            unsigned char type;
            std::span<const unsigned char> octets;
        };
        [[nodiscard]] std::optional<Content> open(std::span<unsigned char> record);

    private:
        std::unique_ptr<EVP_CIPHER_CTX, tls::Frees<EVP_CIPHER_CTX_free>> context_;
        std::array<unsigned char, 12> iv_{};
        std::vector<unsigned char> plaintext_;
        std::uint64_t next_ = 0;
    };

    struct End {
        Written heard;  // From OpenSSL,
        Written seen;   // and of TLS 1.3 on the wire.
        Opener opener;
        std::vector<unsigned char> rest;  // Of what is no whole record yet.
    };

    [[nodiscard]] static int index();
    [[nodiscard]] static RecordLedger& of(const SSL* ssl);
    static void told_secret(const SSL* ssl, const char* line);
    static void heard(int is_written, int version, int kind, const void* octets, std::size_t size,
                      SSL* ssl, void* ledger);
    void write(SSL* ssl, int kind, std::span<const unsigned char> octets);
    static void read_record(End& end, std::span<unsigned char> record);
    [[nodiscard]] End& end_of(const SSL* ssl, bool by_server);
    [[nodiscard]] const Written* find(std::string_view opening, bool by_server) const;

    std::map<std::string, std::array<End, 2>, std::less<>> ends_;  // By the random octets.
    std::map<const SSL_CTX*, SSL_CTX_keylog_cb_func> told_before_;
};

}  // namespace sluice::tests
