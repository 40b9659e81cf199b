// TlsTransport: TLS over another Transport, with the same promises, as far as TLS can keep them.
//
// What is counted is plaintext: send() tells of octets whose whole record the kernel accepted,
// since a record that left in part cannot be opened; wire_octets() tells of the records themselves.
// An idle connection holds neither a buffer nor a block; in TLS 1.3 nothing of OpenSSL's either.
//
// Where the kernel offers it, the kernel seals what is sent, and the octets are not copied before:
// what it accepts it has sealed. It begins where nothing is left of the handshake: a server's
// tickets go with its first octets, which the engine seals therefore. Receiving stays the engine's,
// as the kernel would hand over what is no octet of the application's (tickets, new keys, alerts)
// as errors of a receive, which only recvmsg(2) can take, and not into buffers that are shared.
//
// Ownership:    Owns the transport beneath, and closes it.
// Completion:   An empty Received is the peer's close_notify, and nothing less: TCP's FIN without
//               one is the error cut_short, for anybody can send that. Until what came before it
//               was read, nobody can tell them apart: peer_end() is `none` until then. What OpenSSL
//               answers to the peer by itself, as in TLS 1.2 to one that wants to negotiate again,
//               is sent at once, before what is sent after it.
// Cancellation: A send that was stopped or failed half-way ends sending for good: its records are
//               sealed, and can be neither taken back nor sent twice.
// Errors:       alert_received, alert_sent, malformed, cut_short; those of the transport beneath.
// Threading:    The loop's thread.
// Source:       RFC 8446 5.1 (records), 6.1 (close_notify); SSL_shutdown(3).

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/kernel_sealing.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/transport.h"
#include "sluice/tls/engine.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace sluice::tls {

class TlsTransport final : public Transport, private PeerEndListener {
public:
    // Of an engine whose handshake over `beneath` is done.
    // `unsent`: why sending has ended with it, if it has.
    TlsTransport(Loop& loop, std::unique_ptr<Transport> beneath, std::unique_ptr<Engine> engine,
                 const std::optional<Error>& unsent = {});
    ~TlsTransport() override;

    [[nodiscard]] std::optional<Result<Received>> try_receive() noexcept override;
    Task<Result<std::uint64_t>> send(std::span<iovec> parts) override;
    Task<Result<void>> shut_down_sending() override;
    Task<Result<void>> acknowledged() override { return beneath_->acknowledged(); }
    Task<> close(Ending ending) override;
    [[nodiscard]] PeerEnd peer_end() const noexcept override;
    void listen_for_peer_end(PeerEndListener* listener) noexcept override;

    // In plaintext: an octet is acknowledged when all of its record is, or a little later.
    [[nodiscard]] SocketState state() noexcept override;

    [[nodiscard]] const Endpoint& local() const noexcept override { return beneath_->local(); }
    [[nodiscard]] const Endpoint& peer() const noexcept override { return beneath_->peer(); }
    [[nodiscard]] const SecurityFacts* security() const noexcept override;
    [[nodiscard]] std::optional<WireOctets> wire_octets() const noexcept override;

private:
    // Records that leave in one send.
    struct Batch {
        static constexpr std::size_t records_max = 16;
        static constexpr std::size_t octets_max = std::size_t{8} * 17 * 1024;

        struct Record {
            std::size_t ciphertext;  // Up to its end, from the batch's beginning.
            std::size_t plaintext;
        };

        // The plaintext of the records that end within so much ciphertext.
        [[nodiscard]] std::size_t plaintext_within(std::uint64_t ciphertext) const noexcept;

        Output output;
        std::array<Record, records_max> records;
        std::size_t count = 0;
    };

    struct Answering;

    void let_kernel_seal();
    void seal(std::span<iovec>& parts, Batch& batch) noexcept;
    [[nodiscard]] std::size_t record_octets() noexcept;
    [[nodiscard]] Task<std::uint64_t> send_unsealed(std::span<iovec> parts);
    [[nodiscard]] Task<Result<void>> send_output();
    void answer() noexcept;
    [[nodiscard]] Task<Result<void>> send_answers();
    [[nodiscard]] Task<Result<void>> end_answering();
    [[nodiscard]] Task<Result<void>> send_alerts();
    [[nodiscard]] Task<Result<void>> say_goodbye();
    [[nodiscard]] Task<Result<void>> say_all_and_goodbye();
    [[nodiscard]] bool feed() noexcept;
    void look_for_goodbye() noexcept;
    void end_input(const Error& error) noexcept;
    void peer_ended(PeerEnd end) noexcept override;
    void tell_of_end() noexcept;

    Loop& loop_;
    std::unique_ptr<Transport> beneath_;
    std::unique_ptr<Engine> engine_;
    KernelSealing* sealing_ = nullptr;  // Whose kernel makes the records; null: the engine does.
    std::optional<Event::Relay> input_relay_;
    std::optional<Error> input_error_;  // Why there will be no more; of none, the close_notify.
    std::optional<Error> output_error_;
    bool input_ended_ = false;
    bool sending_ = false;  // Somebody does, or waits for `answering_` to: nothing else is begun.
    bool fin_sent_ = false;
    std::uint8_t small_records_left_ = 0;
    std::uint32_t tickets_octets_ = 0;  // Of output that nobody waits for: see output_may_wait().
    std::unique_ptr<Answering> answering_;
    PeerEnd told_ = PeerEnd::none;
    PeerEndListener* listener_ = nullptr;
    std::uint64_t plaintext_acknowledged_ = 0;
    std::uint64_t wire_behind_plaintext_ = 0;  // Sent after the last octet of plaintext.
    std::optional<Instant> last_sent_;
};

}  // namespace sluice::tls
