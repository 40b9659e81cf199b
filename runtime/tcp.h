// TCP, and Unix sockets: Transport, Acceptor and Connector on sockets of the backend.
//
// A TcpTransport keeps one multishot receive armed as long as its reader keeps up, so that an idle
// connection holds no buffer, and the peer's end is noticed also while nobody reads. Behind a slow
// reader the receive is cancelled, which is the back-pressure, and a poll for the peer's reset
// takes its place; so it does after a FIN, whose sender may still read, or be gone. A reset that
// the kernel shows as an end of stream, because a send took the error, is told from a FIN by TCP's
// own state.
//
// A Unix socket has no reset to send: a peer that reads to the end cannot tell an aborted
// connection from one that ended. Content with a length or in chunks shows it; what ends with its
// connection does not. Nor does it acknowledge: an octet counts as acknowledged when its reader has
// taken it.
//
// Ownership:    A TcpTransport owns its descriptor; close() it. Its loop outlives it. One that is
//               destroyed unclosed is reset behind its owner's back, and said once to stderr with
//               the tasks it was made for; so is an acceptor. Neither ever blocks.
// Source:       outcomes.md traps 1 to 4, 10, 15, 17; io_uring_prep_recv_multishot(3), tcp(7).

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/call_site.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/name_cache.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/resolver.h"
#include "sluice/runtime/transport.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

class TcpTransport final : public Transport {
public:
    // Takes over `fd`, which is connected.
    TcpTransport(Loop& loop, int fd, CallSite made_for = {}) noexcept
        : loop_(loop),
          fd_(fd),
          made_for_(made_for),
          local_(loop.backend().local_endpoint(fd)),
          peer_(loop.backend().peer_endpoint(fd)) {
        input_changed().is_about(EventKind::input, fd);
    }
    TcpTransport(TcpTransport&&) = delete;
    ~TcpTransport() override;
    static void operator delete(TcpTransport* transport, std::destroying_delete_t) noexcept;

    [[nodiscard]] std::optional<Result<Received>> try_receive() noexcept override;
    Task<Result<std::uint64_t>> send(std::span<iovec> parts) override;
    Task<Result<void>> shut_down_sending() override;
    Task<Result<void>> acknowledged() override;
    Task<> close(Ending ending) override;
    [[nodiscard]] PeerEnd peer_end() const noexcept override { return peer_end_; }
    void listen_for_peer_end(PeerEndListener* listener) noexcept override { listener_ = listener; }
    [[nodiscard]] SocketState state() noexcept override;
    [[nodiscard]] const Endpoint& local() const noexcept override { return local_; }
    [[nodiscard]] const Endpoint& peer() const noexcept override { return peer_; }
    [[nodiscard]] KernelSealing* seal_in_kernel(const SealingKeys& keys) override;

private:
    // Where the receive is cancelled, in buffers that nobody has read.
    static constexpr std::size_t inbox_max = 16;

    class Receiving final : public Operation {
    public:
        explicit Receiving(TcpTransport& transport) noexcept
            : Operation(Receive{transport.fd_}), transport_(transport) {}
        void complete(Completion completion) noexcept override {
            transport_.received(std::move(completion));
        }

    private:
        TcpTransport& transport_;
    };

    class Watching final : public Operation {
    public:
        explicit Watching(TcpTransport& transport) noexcept
            : Operation(Poll{transport.fd_, POLLRDHUP, true}), transport_(transport) {}
        void complete(Completion completion) noexcept override {
            transport_.watched(completion.result, completion.more);
        }

    private:
        TcpTransport& transport_;
    };

    class Sealing final : public KernelSealing {
    public:
        Sealing(TcpTransport& transport, const SealingKeys& keys,
                std::uint64_t given_before) noexcept;

        Task<Result<void>> send_record(std::uint8_t type,
                                       std::span<const std::byte> octets) override;
        [[nodiscard]] std::uint64_t overhead_octets() const noexcept override {
            return std::max(records_at_least_, records_seen_) * overhead_octets_;
        }

        [[nodiscard]] const RecordType& application_records() const noexcept { return type_; }
        void has_accepted(std::uint64_t octets) noexcept;
        // Of what was accepted, what TCP was not given yet.
        [[nodiscard]] std::uint64_t held_back(const SocketState& state) noexcept;

    private:
        TcpTransport& transport_;
        RecordType type_{RecordType::application};
        std::uint64_t first_record_;
        std::uint64_t overhead_octets_;  // Of a record.
        std::uint64_t records_at_least_ = 0;
        std::uint64_t records_seen_ = 0;
        std::uint64_t sent_before_;
        std::uint64_t given_before_;  // To TCP.
    };

    // `type`: where the kernel seals.
    [[nodiscard]] Task<Result<std::uint64_t>> send_as(const RecordType* type,
                                                      std::span<iovec> parts);
    void received(Completion completion) noexcept;
    void watched(std::int32_t result, bool more) noexcept;
    void end(PeerEnd end, Error error) noexcept;
    [[nodiscard]] int why_gone(int os_errno) noexcept;
    [[nodiscard]] int ask_why_gone() noexcept;
    [[nodiscard]] PeerEnd gone_end() const noexcept {
        return lost_errno_ != 0 ? PeerEnd::lost : PeerEnd::reset;
    }
    void arm() noexcept;
    void watch() noexcept;
    [[nodiscard]] bool is_watching() const noexcept {
        return watching_ != nullptr && watching_->state != Operation::State::idle;
    }
    [[nodiscard]] bool is_local() const noexcept { return local_.family() == AF_UNIX; }
    [[nodiscard]] bool has_input() const noexcept { return inbox_next_ < inbox_.size(); }
    Received take() noexcept;
    [[nodiscard]] bool in_flight() const noexcept {
        return receiving_.state != Operation::State::idle || is_watching();
    }

    Loop& loop_;
    int fd_;
    PeerEnd peer_end_ = PeerEnd::none;
    bool input_ended_ = false;  // Nothing follows what is in the inbox.
    bool fin_sent_ = false;
    bool closing_ = false;
    bool sending_ = false;
    bool send_was_reset_ = false;  // It took the error that a receive would have shown.
    std::int16_t lost_errno_ = 0;  // Why TCP, or the network, gave the connection up, if it did.
    CallSite made_for_;
    Receiving receiving_{*this};
    std::unique_ptr<Watching> watching_;  // Few connections ever need it.
    std::vector<Received> inbox_;
    std::size_t inbox_next_ = 0;
    Error input_error_;  // Why the input ended, if not by a FIN.
    std::uint64_t sent_ = 0;
    std::unique_ptr<Sealing> sealing_;
    PeerEndListener* listener_ = nullptr;
    Endpoint local_;
    Endpoint peer_;
};

struct TcpAcceptorOptions {
    ListenOptions listen;
    // How long to wait for descriptors or memory to come free before accepting again.
    Duration exhausted_pause = std::chrono::milliseconds(100);
};

class TcpAcceptor final : public Acceptor {
public:
    // Listens at once. Errors: Phase::listen, as of bind(2) and listen(2).
    [[nodiscard]] static Result<std::unique_ptr<TcpAcceptor>> listen(
        Loop& loop, const Endpoint& at, const TcpAcceptorOptions& options = {},
        std::source_location made_at = std::source_location::current());
    TcpAcceptor(TcpAcceptor&&) = delete;
    ~TcpAcceptor() override;
    static void operator delete(TcpAcceptor* acceptor, std::destroying_delete_t) noexcept;

    Task<Result<std::unique_ptr<Transport>>> accept() override;
    Task<> close() override;
    [[nodiscard]] const Endpoint& local() const noexcept override { return local_; }

    // How often accepting had to pause because descriptors or memory had run out.
    [[nodiscard]] std::uint64_t pauses() const noexcept { return pauses_; }

private:
    // Where accepting is cancelled, in connections that nobody has taken.
    static constexpr std::size_t backlog_max = 256;

    class Accepting final : public Operation {
    public:
        explicit Accepting(TcpAcceptor& acceptor) noexcept
            : Operation(Accept{acceptor.fd_}), acceptor_(acceptor) {}
        void complete(Completion completion) noexcept override { acceptor_.accepted(completion); }

    private:
        TcpAcceptor& acceptor_;
    };

    TcpAcceptor(Loop& loop, int fd, const TcpAcceptorOptions& options,
                std::source_location made_at) noexcept
        : loop_(loop),
          fd_(fd),
          options_(options),
          made_at_(made_at),
          local_(loop.backend().local_endpoint(fd)) {}

    void accepted(const Completion& completion) noexcept;
    [[nodiscard]] Task<> end_accepting();

    Loop& loop_;
    int fd_;
    TcpAcceptorOptions options_;
    std::source_location made_at_;
    Endpoint local_;
    bool closing_ = false;
    bool exhausted_ = false;
    std::uint64_t pauses_ = 0;
    Accepting accepting_{*this};
    std::vector<int> backlog_;
    std::size_t backlog_next_ = 0;
    std::optional<Error> error_;
    Event changed_{EventKind::accepted, fd_};
};

struct TcpConnectorOptions {
    // How long an address may take to answer before the next one is tried as well.
    Duration attempt_delay = std::chrono::milliseconds(250);
    // Connects there whatever the host's name is: to a Unix socket, to a proxy. No address: to the
    // host.
    Endpoint instead = {};
    SocketOptions socket = {};
    NameCacheOptions names = {};
    NameCache::LookUp look_up = &resolve;
};

// Of several addresses the first that answers wins: they are tried one after another, IPv6 and IPv4
// in turn, the next as soon as one has failed or taken its time; the rest are stopped and awaited.
// If none answers, the error is that of the last to fail. (RFC 8305)
class TcpConnector final : public Connector {
public:
    explicit TcpConnector(Loop& loop, const TcpConnectorOptions& options = {})
        : loop_(loop), options_(options), names_(options.names, options.look_up) {}

    Task<Result<std::unique_ptr<Transport>>> connect(std::string_view host, std::uint16_t port,
                                                     ConnectTimes& times) override;

private:
    Task<Result<std::unique_ptr<Transport>>> race(std::vector<Endpoint> endpoints,
                                                  CallSite made_for);
    Task<Result<std::unique_ptr<Transport>>> connect_to(Endpoint endpoint, CallSite made_for);

    Loop& loop_;
    TcpConnectorOptions options_;
    NameCache names_;
};

}  // namespace sluice
