// RecordReader: TLS 1.3's records out of octets that come in pieces.
//
// A record is opened from where it was received, straight to where its reader wants it. What is no
// whole record yet is kept, so that the receive buffer goes back.
//
// Errors:       A refusal is what to tell the peer, and is final.
// Threading:    One thread.
// Source:       RFC 8446 5.1, 5.2, 5.4.

#pragma once

#include "sluice/runtime/bulk_buffer.h"
#include "sluice/runtime/received.h"
#include "sluice/runtime/security.h"
#include "sluice/tls/record_cipher.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace sluice::tls {

struct Refusal {
    Alert alert;
    const char* why;
};

class RecordReader {
public:
    static constexpr std::size_t content_octets_max = std::size_t{16} * 1024;

    explicit RecordReader(const RecordSuite& suite, const TrafficSecret& secret)
        : cipher_(RecordCipher::Use::open, suite, secret, 0) {}

    // Of octets that come behind those before. What is no whole record yet is kept, and the buffer
    // of `input` let go.
    void gather(Received& input);
    // Whether there is a record to open, or what cannot become one.
    [[nodiscard]] bool has_record() const noexcept { return has_record_; }
    // Octets of a record that has begun.
    [[nodiscard]] std::size_t kept_octets() const noexcept { return kept_octets_; }

    // Of the record that is there: the most that opening it writes.
    [[nodiscard]] std::size_t room() const noexcept;

    struct Record {
        std::uint8_t type;
        std::span<std::byte> content;  // At the beginning of `into`.
    };
    // Opens the record that is there into `into`, which has room for it.
    [[nodiscard]] std::expected<Record, Refusal> open(const Received& input,
                                                      std::span<std::byte> into);
    // The same record as it came: its header, and what is behind it in two pieces.
    [[nodiscard]] std::span<const std::byte> header() const noexcept { return header_; }
    [[nodiscard]] RecordCipher::Body body(const Received& input) const noexcept;
    // It is done with: on to the next.
    void drop_record(Received& input) noexcept;

    void change_keys() { cipher_.change_keys(); }

private:
    static constexpr std::size_t header_octets = RecordCipher::header_octets;
    // Of its plaintext the type is one; RFC 8446 lets a sender add as many as 255 more.
    static constexpr std::size_t body_octets_max = content_octets_max + 256;

    [[nodiscard]] std::size_t body_octets() const noexcept;
    [[nodiscard]] bool is_too_long() const noexcept { return body_octets() > body_octets_max; }

    RecordCipher cipher_;
    BulkBuffer kept_;  // Of the body.
    std::size_t kept_octets_ = 0;
    std::array<std::byte, header_octets> header_{};
    std::uint8_t header_size_ = 0;
    bool has_record_ = false;
};

}  // namespace sluice::tls
