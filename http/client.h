// Client: sends HTTP/1.1 requests, over connections that it keeps and shares by origin.
//
// begin() never waits: it hands back an Exchange, which has a connection now, or will, or is told
// why not. Connections are reused last in, first out; an idle one is watched, so a server that
// closed it is noticed before it is used.
//
// Ownership:    Borrows its loop, its connector and its observer. All its Exchanges must be gone,
//               and close() awaited, before it is destroyed.
// Completion:   Every exchange ends in one Outcome, on its handle and for the observer.
// Threading:    The loop's thread. One Client a loop.
// Source:       RFC 9110, RFC 9112.

#pragma once

#include "sluice/http/client_options.h"
#include "sluice/http/client_request.h"
#include "sluice/http/exchange.h"
#include "sluice/http/fetched.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"

#include <cstddef>
#include <memory>

namespace sluice::http {

class ClientPool;

class Client {
public:
    // Over `connector`'s connections: a proxy's, a test's.
    Client(Loop& loop, Connector& connector, const ClientOptions& options = {});
    // Over plain TCP.
    explicit Client(Loop& loop, const ClientOptions& options = {});
    Client(Client&&) = delete;
    ~Client();

    // Told of every exchange from now on. Null: nobody.
    void observe(OutcomeObserver* observer) noexcept;

    // Starts an exchange. `request` is not needed any more when it returns.
    Exchange begin(const ClientRequest& request);

    // The short case: the whole response in memory, within ClientOptions::fetched_octets_max, and
    // what became of the exchange. A request whose content must be written belongs to begin().
    [[nodiscard]] Task<Fetched> fetch(ClientRequest request);

    // Refuses new exchanges, closes idle connections, and waits for the exchanges under way, those
    // that wait for a connection included. What has not ended when `patience` is over, or when a
    // stop comes, is aborted. An exchange that nobody drives on ends by its time limits only:
    // destroy its handle first. Idempotent; not twice at once.
    [[nodiscard]] Task<> close(Duration patience = never);

    // Open connections, and those of them that wait for the next exchange.
    [[nodiscard]] std::size_t connections() const noexcept;
    [[nodiscard]] std::size_t idle_connections() const noexcept;

private:
    void secure(Loop& loop, Connector& connector, const ClientOptions& options);

    std::unique_ptr<Connector> own_connector_;
    std::unique_ptr<Connector> https_connector_;
    std::unique_ptr<ClientPool> pool_;
};

}  // namespace sluice::http
