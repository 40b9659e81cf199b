// ListeningSocket: a socket that listens before any loop does: one that several loops share, or
// that whoever started this program has opened for it.
//
//     const Result<std::vector<ListeningSocket>> inherited = ListeningSocket::inherited();
//     TcpAcceptor::listen(loop, {}, {.listen = {.existing = inherited->front().descriptor()}});
//
// What such a socket has in its queue waits for whoever accepts next, so that one program can take
// over from another without a connection being refused.
//
// Ownership:    Owns the descriptor, and the file of a Unix socket that at() made. Acceptors have
//               descriptors of their own.
// Errors:       Phase::listen.
// Threading:    Any; inherited() is called once, before other threads start.
// Source:       sd_listen_fds(3).

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/socket_file.h"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

class ListeningSocket {
public:
    // Listens there, as an acceptor's does.
    [[nodiscard]] static Result<ListeningSocket> at(const Endpoint& endpoint,
                                                    const ListenOptions& options = {});

    // What LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES tell of: none where they are not about this
    // process. No program that this one starts inherits them in turn. Errors: invalid for variables
    // that make no sense, also of more or fewer names than sockets; unsupported for a descriptor
    // that is no listening stream socket.
    [[nodiscard]] static Result<std::vector<ListeningSocket>> inherited();

    ListeningSocket(ListeningSocket&& other) noexcept;
    ListeningSocket& operator=(ListeningSocket&&) = delete;
    ~ListeningSocket();

    [[nodiscard]] int descriptor() const noexcept { return fd_; }
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    // Of one that was inherited: FileDescriptorName= of a systemd.socket(5); "unknown" without one.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    ListeningSocket(int fd, const Endpoint& endpoint, std::string name);

    int fd_;
    Endpoint endpoint_;
    std::string name_;
    std::optional<SocketFile> file_;
};

}  // namespace sluice
