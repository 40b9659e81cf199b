// Server: answers HTTP/1.1 requests on the connections of an Acceptor, with one handler.
//
// Requests of a connection are handled one after another, and answered in that order. Every
// exchange ends in one Outcome, which the observer gets, and the handler too if it asks.
//
// Ownership:    Borrows its loop and observer; owns the handler. serve() must have completed before
//               it is destroyed.
// Cancellation: A stop of serve() is a drain without patience: open exchanges are aborted, their
//               handlers asked to stop and awaited.
// Errors:       An exception that leaves the handler becomes a 500, or a reset once the response
//               has begun, and is told to the observer; it goes no further.
// Threading:    The loop's thread. One Server a loop; loops share a port by ListenOptions.
// Source:       RFC 9110, RFC 9112.

#pragma once

#include "sluice/http/handler.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/http/server_options.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"

#include <cstddef>
#include <memory>

namespace sluice::http {

class ServerCore;

class Server {
public:
    Server(Loop& loop, Handler handler, const ServerOptions& options = {});
    Server(Server&&) = delete;
    ~Server();

    // Told of every exchange from now on. Null: nobody.
    void observe(OutcomeObserver* observer) noexcept;

    // Serves `acceptor`'s connections until drain() has done its work or a stop ends it; closes
    // the acceptor. Fails if accepting does.
    [[nodiscard]] Task<sluice::Result<void>> serve(Acceptor& acceptor);

    // Listens on a TCP port and serves it.
    [[nodiscard]] Task<sluice::Result<void>> listen(const Endpoint& at);

    // Stops accepting, closes idle connections, lets open exchanges end with Connection: close, and
    // after `patience` aborts what is left. A connection that has only just come has a second for
    // its first request, before which it has what its acceptor grants it to become one
    // (`finishing_max`). Returns at once; serve() completes when it is done.
    // Asked again, it can only become less patient.
    void drain(Duration patience) noexcept;

    [[nodiscard]] std::size_t connections() const noexcept;

private:
    std::unique_ptr<ServerCore> core_;
};

}  // namespace sluice::http
