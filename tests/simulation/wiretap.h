// Wiretap: what the kernels of a world were given, gave out, and knew, of every connection.
//
// It stands between the library and the simulator, and so between every Transport and its kernel:
// what it has counted owes nothing to what the library believes.
//
// Ownership:    As Relay.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/tests/simulation/relay.h"
#include "sluice/tests/tls/record_ledger.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::campaign {

// One end of a connection, as its kernel served it. Under TLS the octets that are counted become
// those of the plaintext, once they are told of.
struct WireEnd {
    bool is_known = false;
    bool is_server = false;
    std::uint16_t client_port = 0;
    int fd = -1;
    std::uint64_t accepted = 0;      // Octets that the kernel took to be sent.
    std::uint64_t delivered = 0;     // Octets that the kernel handed out.
    std::uint64_t acknowledged = 0;  // The most that TCP ever said.
    Instant opened_at = never;
    Instant fin_seen_at = never;     // An end of stream was handed out.
    Instant reset_seen_at = never;   // An error was, or TCP said that the connection is gone.
    Instant send_failed_at = never;  // By a reset.
    Instant starved_at = never;      // A send was refused for want of memory.
    Instant shut_at = never;         // It sent its own FIN, by shutting down or by closing.
    Instant closed_at = never;
    Instant goodbye_heard_at = never;  // The peer's close_notify was handed out, untouched.
    // Where what was handed out is no longer what the peer had sent.
    std::uint64_t spoiled_from = unspoiled;
    bool half_closed = false;
    bool gave_up = false;  // The error was a time-out of TCP's own.
    bool reset_by_us = false;

    static constexpr std::uint64_t unspoiled = ~std::uint64_t{0};
    [[nodiscard]] bool is_spoiled() const noexcept { return spoiled_from != unspoiled; }
};

struct WireConnection {
    WireEnd client;
    WireEnd server;
    std::string opening;  // What the client began with, under TLS.
};

class Wiretap final : public Relay {
public:
    // With a ledger, for a world that speaks TLS.
    explicit Wiretap(Backend& real, tests::RecordLedger* ledger = nullptr) noexcept
        : Relay(real), ledger_(ledger) {}

    // By the client's port, which no two connections of a world share.
    [[nodiscard]] const std::map<std::uint16_t, WireConnection>& connections() const noexcept {
        return connections_;
    }
    [[nodiscard]] const WireConnection* find(std::uint16_t client_port) const noexcept;

    // The same, counted as its two applications count.
    [[nodiscard]] WireConnection in_plaintext(const WireConnection& connection) const;

    // From so many octets on, what this end was handed out is not what was sent.
    void spoil(int fd, std::uint64_t from_octet) noexcept;

    // As TCP has it now, for what is still open.
    void sample(std::uint16_t client_port) noexcept;

    // What connects failed with: an errno each.
    [[nodiscard]] const std::vector<int>& connect_errors() const noexcept {
        return connect_errors_;
    }

    void shut_down_sending(int fd) noexcept override;
    [[nodiscard]] SocketState socket_state(int fd) noexcept override;
    [[nodiscard]] int take_error(int fd) noexcept override;
    void close(int fd, Ending ending) noexcept override;

protected:
    bool completing(Relayed& operation, Completion& completion) noexcept override;

private:
    [[nodiscard]] WireEnd* end_of(int fd) noexcept;
    WireEnd& open(std::uint16_t client_port, bool is_client, int fd) noexcept;
    SocketState sample(int fd, WireEnd& end) noexcept;
    // Whether it was a reset that failed what completed so.
    bool failed(WireEnd& end, std::int32_t result) noexcept;

    void tell_ledger(const WireEnd& end, const Send& send, std::size_t octets);
    void listen_for_goodbye(WireEnd& end) noexcept;

    tests::RecordLedger* ledger_;
    std::map<std::uint16_t, WireConnection> connections_;
    std::unordered_map<int, WireEnd*> ends_;
    std::vector<int> connect_errors_;
};

}  // namespace sluice::campaign
