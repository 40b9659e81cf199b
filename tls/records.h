// Records: what TLS 1.3 is behind its handshake: records both ways, alerts, new keys.
//
// Nothing else is left of it once hands are shaken (RFC 8446 4.6, 5, 6). OpenSSL's SSL, which also
// does this, is built for the handshake: for it 8 KiB lie about until the connection ends, and each
// record is copied twice. So it goes, and OpenSSL's AEADs are used straight.
//
// Errors:       A failure is final. What the peer is to be told of it is said by the owner, with
//               seal(): an Engine, which may have given the sending of records to a kernel.
// Threading:    One thread.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/received.h"
#include "sluice/runtime/security.h"
#include "sluice/tls/output.h"
#include "sluice/tls/record_cipher.h"
#include "sluice/tls/record_reader.h"
#include "sluice/tls/step.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::tls {

// Of records as they came that carry messages of a server's handshake, behind the handshake: who
// keeps its sessions reads them.
class TicketReader {
public:
    // Yields what is wrong with them.
    virtual std::optional<Refusal> read_tickets(std::span<const std::byte> header,
                                                const RecordCipher::Body& body) = 0;

protected:
    ~TicketReader() = default;
};

class Records {
public:
    struct Beginning {
        const RecordSuite& suite;
        const TrafficSecret& received;
        const TrafficSecret& sent;
        std::uint64_t records_sent;  // By the same secret: a server's tickets.
        bool is_server;
    };
    // `records_max`: of a key that seals. AES-GCM is thought safe for 24 million (RFC 8446 5.5).
    explicit Records(const Beginning& beginning,
                     std::uint64_t records_max = std::uint64_t{1} << 24);

    [[nodiscard]] RecordReader& reader() noexcept { return reader_; }
    [[nodiscard]] const RecordReader& reader() const noexcept { return reader_; }

    // One record, which the reader has gathered. With Step::done, `octets` of plaintext are at the
    // beginning of `into`: none of what is not the application's.
    struct Opened {
        Step step;
        std::size_t octets;
    };
    [[nodiscard]] Opened open(Received& input, std::span<std::byte> into, TicketReader* tickets);

    // Of a failure: alert_received and its number, limit_exceeded, or alert_sent and the alert
    // that the peer is still to be sent.
    struct Failure {
        Errc code;
        Alert alert;
        const char* why;
    };
    [[nodiscard]] const Failure& failure() const noexcept { return failure_; }

    // One record of the application's, behind new keys where they are due.
    void seal(std::span<const std::byte> plaintext, Output& output);
    void seal_alert(std::span<const std::byte> alert, Output& output);

    // The peer has changed its keys, and demands the same; the next plaintext goes with it.
    [[nodiscard]] bool owes_new_keys() const noexcept { return owes_new_keys_; }
    // Either side has.
    [[nodiscard]] bool has_changed_keys() const noexcept { return has_changed_keys_; }
    [[nodiscard]] std::uint64_t records_sent() const noexcept { return sealing_.next_record(); }

private:
    using Checked = std::optional<Refusal>;
    using Heard = std::optional<Opened>;  // None: nothing ends by it.

    [[nodiscard]] Opened fail(Errc code, const Refusal& refusal) noexcept;
    [[nodiscard]] Heard hear_alert(std::span<const std::byte> content) noexcept;
    [[nodiscard]] Checked hear_handshake(std::span<const std::byte> content);
    [[nodiscard]] Checked begin_message() const noexcept;
    [[nodiscard]] Checked hear_key_update(std::byte request, bool is_record_end);
    [[nodiscard]] bool is_within_message() const noexcept { return header_size_ > 0; }
    void seal_record(std::uint8_t type, std::span<const std::byte> content, Output& output);
    void change_sealing_keys(Output& output);

    RecordReader reader_;
    RecordCipher sealing_;
    std::uint64_t records_max_;
    Failure failure_{Errc::malformed, Alert::close_notify, ""};
    std::uint32_t asides_ = 0;        // Records in a row that carried no plaintext.
    std::uint32_t message_left_ = 0;  // Of the peer's message, behind its header.
    std::uint32_t header_ = 0;        // Of that message: its type and its length,
    std::uint8_t header_size_ = 0;    // as far as it has come.
    bool is_server_;
    bool owes_new_keys_ = false;
    bool has_changed_keys_ = false;
};

}  // namespace sluice::tls
