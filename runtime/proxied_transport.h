// ProxiedTransport: a connection whose proxy has said, before its first octet, whom it speaks for.
//
// All is as it is beneath, but for who the peer is: the outcome of an exchange names the client.
//
// Ownership:    Owns the transport beneath, and closes it.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/transport.h"

#include <memory>
#include <optional>
#include <span>

namespace sluice {

class ProxiedTransport final : public Transport {
public:
    // `first` was read behind the proxy's header. An endpoint without an address is that beneath.
    ProxiedTransport(std::unique_ptr<Transport> beneath, Received first, const Endpoint& client,
                     const Endpoint& destination);

    [[nodiscard]] std::optional<Result<Received>> try_receive() noexcept override;
    Task<Result<std::uint64_t>> send(std::span<iovec> parts) override {
        return beneath_->send(parts);
    }
    Task<Result<void>> shut_down_sending() override { return beneath_->shut_down_sending(); }
    Task<Result<void>> acknowledged() override { return beneath_->acknowledged(); }
    Task<> close(Ending ending) override;
    [[nodiscard]] PeerEnd peer_end() const noexcept override { return beneath_->peer_end(); }
    void listen_for_peer_end(PeerEndListener* listener) noexcept override {
        beneath_->listen_for_peer_end(listener);
    }
    [[nodiscard]] SocketState state() noexcept override { return beneath_->state(); }
    // Where the client connected to, and the client.
    [[nodiscard]] const Endpoint& local() const noexcept override { return local_; }
    [[nodiscard]] const Endpoint& peer() const noexcept override { return peer_; }
    [[nodiscard]] KernelSealing* seal_in_kernel(const SealingKeys& keys) override {
        return beneath_->seal_in_kernel(keys);
    }
    [[nodiscard]] const SecurityFacts* security() const noexcept override {
        return beneath_->security();
    }
    [[nodiscard]] std::optional<WireOctets> wire_octets() const noexcept override {
        return beneath_->wire_octets();
    }

private:
    std::unique_ptr<Transport> beneath_;
    std::optional<Event::Relay> input_relay_;
    Received first_;
    Endpoint local_;
    Endpoint peer_;
};

}  // namespace sluice
