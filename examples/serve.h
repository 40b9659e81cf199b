// serve(): a handler as a program: on one loop or several, until it is asked to end.
//
// Each loop has its own listener on the same port, and the kernel spreads the connections; of a
// Unix socket, and of one that is inherited, all loops share one. The first line on standard output
// says where the program listens, once all of them do. SIGTERM and SIGINT drain: no new
// connections, what is under way may end in its time, and the program exits with 0.
//
// Ownership:    Owns nothing that outlives the call; borrows the observer.
// Errors:       Said on stderr; the exit status is then 1.
// Threading:    Call it on the first thread, before others start. The handler and the observer are
//               called on every loop's thread.

#pragma once

#include "sluice/examples/command_line.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/http/server.h"
#include "sluice/http/server_options.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/transport.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace sluice::examples {

struct ServeOptions {
    Endpoint at = Endpoint::loopback(8080);
    std::string inherited = {};   // Instead: a socket of who started us, by its name or number.
    bool proxy_protocol = false;  // Each connection says first whom its proxy speaks for.
    unsigned threads = 1;
    BackendKind backend = BackendKind::automatic;
    Duration drain = std::chrono::seconds(10);
    http::ServerOptions server;
    http::OutcomeObserver* observer = nullptr;

    // Makes the connections of one loop's acceptor secure: secure_serving.h does. None: plain.
    std::function<std::unique_ptr<Acceptor>(Loop& loop, Acceptor& acceptor)> secure = {};

    // --listen, --proxy-protocol, --threads and --backend.
    void add_to(CommandLine& line);
};

// Yields the program's exit status.
[[nodiscard]] int serve(const ServeOptions& options, const http::Handler& handler);

}  // namespace sluice::examples
