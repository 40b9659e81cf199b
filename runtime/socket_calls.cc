#include "sluice/runtime/socket_calls.h"

#include "sluice/runtime/socket_file.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>  // Newer than netinet/tcp.h, which excludes it.
#include <linux/tls.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace sluice::socket_calls {

namespace {

// Of tcpi_state. The kernel's header does not name them.
constexpr int state_close = 7;
constexpr int state_close_wait = 8;

void set_option(int fd, int level, int option, int value) noexcept {
    setsockopt(fd, level, option, &value, sizeof value);
}

// At least one.
template <typename Unit>
int whole(Duration duration) noexcept {
    const auto count = std::chrono::ceil<Unit>(duration).count();
    return static_cast<int>(std::clamp<std::int64_t>(count, 1, std::numeric_limits<int>::max()));
}

Result<int> failed_with(int fd, Phase phase) noexcept {
    const int error = errno;
    if (fd >= 0) {
        ::close(fd);
    }
    return std::unexpected(error_from_errno(error, phase));
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);

Endpoint endpoint_by(NameCall call, int fd) noexcept {
    sockaddr_storage address{};
    socklen_t octets = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (call(fd, any, &octets) != 0) {
        return {};
    }
    return Endpoint::from(any, octets);
}

// Of a connection that has ended, or came to nothing: getpeername(2) takes both for none. The
// option refuses to give less than it is asked for.
Endpoint former_peer(int fd) noexcept {
    constexpr socklen_t v6_octets = sizeof(sockaddr_in6);
    constexpr socklen_t v4_octets = sizeof(sockaddr_in);
    for (socklen_t octets : {v6_octets, v4_octets}) {
        sockaddr_storage address{};
        if (getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &address, &octets) == 0) {
            return Endpoint::from(reinterpret_cast<const sockaddr*>(&address), octets);
        }
    }
    return {};
}

// A socket's file that nobody listens at any more is in nobody's way. The file is never open to
// more than it is to be: the kernel makes it with the socket's own permissions, less the umask's.
bool bind_to(int fd, const Endpoint& at, const ListenOptions& options) noexcept {
    const char* const path = at.unix_path().empty() ? nullptr : at.unix_path().data();
    const bool is_limited = path != nullptr && options.permissions.has_value();
    if (is_limited && ::fchmod(fd, *options.permissions) != 0) {
        return false;
    }
    int bound = ::bind(fd, at.address(), at.address_octets());
    if (bound != 0 && errno == EADDRINUSE && SocketFile::is_abandoned(at) && ::unlink(path) == 0) {
        bound = ::bind(fd, at.address(), at.address_octets());
    }
    return bound == 0 && (!is_limited || ::chmod(path, *options.permissions) == 0);
}

}  // namespace

Result<int> open(int family) noexcept {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return failed_with(fd, Phase::connect);
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return fd;
}

// What TCP does not take, as of a socket that is not TCP's, it does without.
void configure(int fd, const SocketOptions& options) noexcept {
    if (options.unacknowledged_max != never) {
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
                   whole<std::chrono::milliseconds>(options.unacknowledged_max));
    }
    if (options.keep_alive_after != never) {
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE,
                   whole<std::chrono::seconds>(options.keep_alive_after));
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL,
                   whole<std::chrono::seconds>(options.keep_alive_interval));
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, options.keep_alive_probes);
    }
}

// Accepted sockets inherit their listener's options. TCP_NODELAY: heads and bodies are put together
// before they are sent, so nothing is gained by the kernel waiting for more.
Result<int> listen(const Endpoint& at, const ListenOptions& options) noexcept {
    const bool exists = options.existing >= 0;
    const int fd = exists ? ::fcntl(options.existing, F_DUPFD_CLOEXEC, 0)
                          : ::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return failed_with(fd, Phase::listen);
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    configure(fd, options.socket);
    if (exists) {
        return fd;
    }
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (at.family() == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
    }
    if (options.share_port) {
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (!bind_to(fd, at, options) || ::listen(fd, options.backlog) != 0) {
        return failed_with(fd, Phase::listen);
    }
    return fd;
}

Endpoint local_endpoint(int fd) noexcept {
    return endpoint_by(&::getsockname, fd);
}

Endpoint peer_endpoint(int fd) noexcept {
    const Endpoint peer = endpoint_by(&::getpeername, fd);
    return peer == Endpoint() ? former_peer(fd) : peer;
}

void shut_down_sending(int fd) noexcept {
    ::shutdown(fd, SHUT_WR);
}

int take_error(int fd) noexcept {
    int error = 0;
    socklen_t octets = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &octets) == 0 ? error : 0;
}

bool seal(int fd, const SealingKeys& keys) noexcept {
    static std::atomic<bool> is_missing = false;
    constexpr char name[] = "tls";
    if (is_missing.load(std::memory_order_relaxed)) {
        return false;
    }
    if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, sizeof name) != 0) {
        if (errno == ENOENT) {
            is_missing.store(true, std::memory_order_relaxed);
        }
        return false;
    }
    // A socket that has TLS and no keys is as any other.
    const std::span<const std::byte> info = keys.crypto_info();
    return setsockopt(fd, SOL_TLS, TLS_TX, info.data(), static_cast<socklen_t>(info.size())) == 0;
}

std::optional<std::uint64_t> next_record(int fd) noexcept {
    // Of another suite than the socket's the kernel knows nothing, by the size.
    constexpr socklen_t large = sizeof(tls12_crypto_info_aes_gcm_256);
    constexpr socklen_t small = sizeof(tls12_crypto_info_aes_gcm_128);
    for (const socklen_t size : {large, small}) {
        std::array<std::byte, large> info{};
        socklen_t octets = size;
        if (getsockopt(fd, SOL_TLS, TLS_TX, info.data(), &octets) == 0) {
            const std::optional<SealingKeys> keys = SealingKeys::of(info.data());
            ::explicit_bzero(info.data(), info.size());
            return keys ? std::optional(keys->next_record()) : std::nullopt;
        }
    }
    return std::nullopt;
}

// What was given to TCP is both numbers together, or more: octets may be acknowledged between them.
SocketState state(int fd) noexcept {
    SocketState state;
    tcp_info info{};
    socklen_t octets = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &octets) == 0) {
        // TCP counts the SYN as one; the count of the FIN may come on top, which progress forgives.
        state.acknowledged = info.tcpi_bytes_acked > 0 ? info.tcpi_bytes_acked - 1 : 0;
        state.finished_by_peer = info.tcpi_state == state_close_wait;
        state.closed = info.tcpi_state == state_close;
    } else if (pollfd asked{fd, POLLRDHUP, 0}; ::poll(&asked, 1, 0) > 0) {
        state.finished_by_peer = (asked.revents & POLLRDHUP) != 0;
        if ((asked.revents & POLLERR) != 0) {
            // A Unix socket whose peer went before it had read all, which is gone with it.
            state.closed = true;
            state.unacknowledged = unacknowledged_unknown;
            return state;
        }
    }
    int unacknowledged = 0;
    if (ioctl(fd, SIOCOUTQ, &unacknowledged) == 0) {
        state.unacknowledged = static_cast<std::uint64_t>(unacknowledged);
    }
    return state;
}

bool is_closed(int fd) noexcept {
    tcp_info info{};
    socklen_t octets = offsetof(tcp_info, tcpi_ca_state);  // The state comes first.
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &octets) == 0) {
        return info.tcpi_state == state_close;
    }
    return state(fd).closed;
}

void never_block(int fd) noexcept {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void reset_on_close(int fd) noexcept {
    const linger drop{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
}

}  // namespace sluice::socket_calls
