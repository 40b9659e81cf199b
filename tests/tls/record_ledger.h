// RecordLedger: which records OpenSSL wrote, of every connection: how long each was on the wire,
// how much plaintext was in it, and which was the goodbye.
//
// By it what the kernels counted, in octets of ciphertext, is turned into what the applications'
// records must say. It hears OpenSSL, and nothing of ours that stands above it. Connections are
// told apart by what every one begins with, the random octets of its ClientHello.
//
// Ownership:    Outlives the connections of the contexts that it hears.
// Source:       SSL_CTX_set_msg_callback(3), RFC 8446 4.1.2, 5.2.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace sluice::tests {

class RecordLedger {
public:
    // So many octets of a connection say which it is.
    static constexpr std::size_t opening_octets = 43;

    void hear(ssl_ctx_st* context);

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
        std::vector<Record> records;
        std::optional<std::uint64_t> goodbye_end;
    };

    static void heard(int is_written, int version, int kind, const void* octets, std::size_t size,
                      ssl_st* ssl, void* ledger);
    void write(ssl_st* ssl, int kind, std::span<const unsigned char> octets);
    [[nodiscard]] const Written* find(std::string_view opening, bool by_server) const;

    std::map<std::string, std::array<Written, 2>, std::less<>> written_;  // By the random octets.
};

}  // namespace sluice::tests
