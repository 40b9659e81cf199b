// The half of EpollBackend that makes the calls.

#include "sluice/runtime/epoll_backend.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>
#include <variant>

namespace sluice {

namespace {

// How much one descriptor may do before the others get their turn.
constexpr int accepts_per_turn = 64;
constexpr int receives_per_turn = 16;

// Of one Send. More than that is a short send, which its owner goes on with.
constexpr std::size_t send_octets_max = std::size_t{1} << 30;

bool would_block(int error) noexcept {
    return error == EAGAIN || error == EWOULDBLOCK;
}

bool is_readable(int fd) noexcept {
    pollfd asked{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) > 0;
}

// What is left of `parts` behind the first `sent` octets.
std::size_t parts_behind(std::span<const iovec> parts, std::size_t sent,
                         std::array<iovec, send_parts_max>& into) noexcept {
    std::size_t count = 0;
    for (const iovec& part : parts) {
        const std::size_t skipped = std::min(sent, part.iov_len);
        sent -= skipped;
        if (part.iov_len > skipped) {
            into[count] = {static_cast<std::byte*>(part.iov_base) + skipped,
                           part.iov_len - skipped};
            ++count;
        }
    }
    return count;
}

std::size_t octets_of(std::span<const iovec> parts) noexcept {
    std::size_t octets = 0;
    for (const iovec& part : parts) {
        octets += part.iov_len;
    }
    return octets;
}

}  // namespace

void EpollBackend::try_operation(Operation& operation) noexcept {
    const Request& request = operation.request;
    if (const auto* const receive = std::get_if<Receive>(&request)) {
        try_receive(operation, receive->fd);
    } else if (const auto* const send = std::get_if<Send>(&request)) {
        try_send(operation, *send);
    } else if (const auto* const accept = std::get_if<Accept>(&request)) {
        try_accept(operation, accept->listener);
    } else if (const auto* const connect = std::get_if<Connect>(&request)) {
        try_connect(operation, *connect);
    } else if (const auto* const poll = std::get_if<Poll>(&request)) {
        try_poll(operation, *poll);
    } else {
        try_read(operation, std::get<Read>(request));
    }
}

void EpollBackend::finish(Operation& operation, int fd, std::int32_t result) noexcept {
    Descriptor& target = descriptor(fd);
    for (Operation** const place : {&target.reader, &target.writer, &target.poller}) {
        if (*place == &operation) {
            *place = nullptr;
        }
    }
    operation.state = Operation::State::idle;
    report(operation, {.result = result});
}

void EpollBackend::try_accept(Operation& operation, int listener) noexcept {
    for (int accepts = 0; accepts < accepts_per_turn; ++accepts) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        const int error = fd < 0 ? errno : 0;
        // Without a descriptor to give it fails also while nobody waits.
        const bool exhausted = error == EMFILE || error == ENFILE;
        if (would_block(error) || (exhausted && !is_readable(listener))) {
            descriptor(listener).readable = false;
            return;
        }
        if (error != 0) {
            finish(operation, listener, -error);
            return;
        }
        descriptor(fd) = Descriptor();
        report(operation, {.result = fd, .more = true});
        if (descriptor(listener).reader != &operation) {
            return;  // Cancelled meanwhile.
        }
    }
    to_try_.push(operation);
}

void EpollBackend::try_connect(Operation& operation, const Connect& connect) noexcept {
    Descriptor& target = descriptor(connect.fd);
    if (target.connecting) {
        int error = 0;
        socklen_t octets = sizeof error;
        getsockopt(connect.fd, SOL_SOCKET, SO_ERROR, &error, &octets);
        target.connecting = false;
        finish(operation, connect.fd, -error);
        return;
    }
    const int result = ::connect(connect.fd, connect.to->address(), connect.to->address_octets());
    const int error = result == 0 ? 0 : errno;
    static_cast<void>(watch(connect.fd));
    if (error == EINPROGRESS) {
        target.connecting = true;
        target.writable = false;
        return;
    }
    finish(operation, connect.fd, -error);
}

void EpollBackend::try_receive(Operation& operation, int fd) noexcept {
    for (int receives = 0; receives < receives_per_turn; ++receives) {
        if (buffers_.empty()) {
            operation.state = Operation::State::parked;
            waiting_for_buffers_.push(operation);
            return;
        }
        const std::uint16_t id = buffers_.take();
        const std::span<std::byte> buffer = buffers_.at(id);
        const ssize_t result = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (result <= 0) {
            const int error = errno;
            buffers_.put(id);
            if (result < 0 && would_block(error)) {
                descriptor(fd).readable = false;
                return;
            }
            finish(operation, fd, result == 0 ? 0 : -error);
            return;
        }
        const auto octets = static_cast<std::size_t>(result);
        // There was no more at that moment, and what came since is a change.
        const bool emptied = octets < buffer.size() && !descriptor(fd).ending;
        if (emptied) {
            descriptor(fd).readable = false;
        }
        report(operation, {.result = static_cast<std::int32_t>(result),
                           .more = true,
                           .received = Received(*this, id, buffer.first(octets))});
        if (emptied || descriptor(fd).reader != &operation) {
            return;
        }
    }
    to_try_.push(operation);
}

void EpollBackend::try_send(Operation& operation, const Send& send) noexcept {
    const std::size_t all = std::min(octets_of(send.parts), send_octets_max);
    std::size_t& sent = descriptor(send.fd).sent;
    do {  // Also of nothing: the call says whether anything could be sent.
        std::array<iovec, send_parts_max> left;
        msghdr message{};
        message.msg_iov = left.data();
        message.msg_iovlen = parts_behind(send.parts, sent, left);
        if (send.record_type != nullptr) {
            const std::span<const std::byte> control = send.record_type->control();
            message.msg_control = const_cast<std::byte*>(control.data());
            message.msg_controllen = control.size();
        }
        const ssize_t result = ::sendmsg(send.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (result < 0) {
            const int error = errno;
            if (would_block(error)) {
                descriptor(send.fd).writable = false;
                return;
            }
            finish(operation, send.fd, sent > 0 ? static_cast<std::int32_t>(sent) : -error);
            return;
        }
        sent += static_cast<std::size_t>(result);
    } while (sent < all);
    finish(operation, send.fd, static_cast<std::int32_t>(sent));
}

void EpollBackend::try_poll(Operation& operation, const Poll& poll) noexcept {
    pollfd asked{
        .fd = poll.fd, .events = static_cast<short>(poll.events | POLLRDHUP), .revents = 0};
    if (::poll(&asked, 1, 0) <= 0) {
        return;
    }
    const std::int32_t result = static_cast<std::uint16_t>(asked.revents);
    if (poll.multishot) {
        report(operation, {.result = result, .more = true});
    } else {
        finish(operation, poll.fd, result);
    }
}

// Of a pipe, a terminal: only once it is known to answer, since the descriptor may be a blocking
// one that others share.
void EpollBackend::try_read(Operation& operation, const Read& read) noexcept {
    if (!is_readable(read.fd)) {
        descriptor(read.fd).readable = false;
        return;
    }
    const ssize_t result = ::read(read.fd, read.into.data(), read.into.size());
    if (result < 0 && would_block(errno)) {
        descriptor(read.fd).readable = false;
        return;
    }
    finish(operation, read.fd, result < 0 ? -errno : static_cast<std::int32_t>(result));
}

}  // namespace sluice
