// CuttingProxy: a way to a server that breaks where it is told to.
//
// It passes one connection on, octet by octet, and once so many have gone in the one direction it
// resets both sides, as a router does that loses power and comes back. It knows no HTTP, and does
// nothing that either end could tell from a real failure.
//
// Completion:   serve() ends when the connection is cut, or has ended before.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/tcp.h"

#include <cstdint>
#include <memory>

namespace sluice::examples {

class CuttingProxy {
public:
    enum class Direction : std::uint8_t { to_server, to_client };

    CuttingProxy(Loop& loop, const Endpoint& server, Direction direction, std::uint64_t octets)
        : loop_(loop), server_(server), direction_(direction), octets_(octets) {}

    // Listens on a port of 127.0.0.1 that the kernel chooses.
    [[nodiscard]] Result<Endpoint> listen();

    // Passes on the first connection that comes.
    [[nodiscard]] Task<Result<void>> serve();

private:
    [[nodiscard]] Task<Result<void>> pass_on(Transport& client);

    Loop& loop_;
    Endpoint server_;
    Direction direction_;
    std::uint64_t octets_;
    std::unique_ptr<TcpAcceptor> acceptor_;
};

}  // namespace sluice::examples
