// ClientRig: a client, and a server that does to each connection what a script says.
//
// The server speaks octets and not HTTP, so it can break off anywhere, answer early, say nothing or
// say nonsense. Both live in one simulated world.

#pragma once

#include "sluice/http/client.h"
#include "sluice/http/client_options.h"
#include "sluice/http/exchange.h"
#include "sluice/http/outcome.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/tcp.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::tests {

// One thing that the server does with a connection.
struct Step {
    enum class Does : std::uint8_t {
        expect_octets,  // Reads until it has so many of this connection, in all.
        expect_heads,   // Reads until it has so many empty lines.
        say,
        pause,
        finish,  // Sends a FIN.
        reset,
        close,  // With whatever is unread: then it is a reset too.
        rest,   // Leaves the connection open without reading, until the rig ends.
    };

    Does does;
    std::string text{};
    std::uint64_t count = 0;
    Duration pause{};
};

// At the end of its script the server reads until the client is gone.
using Script = std::vector<Step>;

[[nodiscard]] Step expect_octets(std::uint64_t octets);
[[nodiscard]] Step expect_heads(std::uint64_t heads = 1);
[[nodiscard]] Step say(std::string text);
[[nodiscard]] Step pause(Duration duration);
[[nodiscard]] Step fin();
[[nodiscard]] Step reset();
[[nodiscard]] Step close();
[[nodiscard]] Step rest();

// What a connection brought the server.
struct Seen {
    std::string octets;
    bool fin = false;
    bool reset = false;
};

class ClientRig final : private OutcomeObserver {
public:
    using Drive = std::function<Task<>(ClientRig&)>;

    ClientRig(Loop& loop, const Endpoint& at, std::vector<Script> scripts,
              const ClientOptions& options);
    ClientRig(ClientRig&&) = delete;

    // Serves the scripts while `drive` runs, then takes everything down.
    [[nodiscard]] Task<> run(const Drive& drive);

    [[nodiscard]] Loop& loop() noexcept { return loop_; }
    [[nodiscard]] Client& client() noexcept { return client_; }
    [[nodiscard]] std::string url(std::string_view target = "/") const;

    // One for each connection that was made.
    [[nodiscard]] const std::vector<std::unique_ptr<Seen>>& seen() const noexcept { return seen_; }
    // What the client's observer was told.
    [[nodiscard]] const std::vector<Outcome>& ended() const noexcept { return ended_; }

private:
    void exchange_ended(const Outcome& outcome) override { ended_.push_back(outcome); }
    [[nodiscard]] Task<> accept();
    [[nodiscard]] Task<> play(std::unique_ptr<Transport> transport, Script script, Seen& seen);

    Loop& loop_;
    std::vector<Script> scripts_;
    TcpConnector connector_;
    Client client_;
    Scope scope_;
    std::unique_ptr<TcpAcceptor> acceptor_;
    std::vector<std::unique_ptr<Seen>> seen_;
    std::vector<Outcome> ended_;
};

// What an operation is to fail with, or 0. Told its number, from 1, and what it is.
using Fault = std::function<int(std::size_t number, const Request& request)>;

// All of that, in a world of its own.
void with_client(const std::vector<Script>& scripts, const ClientRig::Drive& drive,
                 const ClientOptions& options = {}, const simulation::Options& world = {},
                 const Fault& fault = {});

// The same on a loop of the caller's, whatever its backend. All of it stays until it completes.
[[nodiscard]] Task<> with_client_on(Loop& loop, Endpoint at, const std::vector<Script>& scripts,
                                    const ClientRig::Drive& drive, const ClientOptions& options);

// On the real kernel, where the port is any.
void with_client_on_kernel(const std::vector<Script>& scripts, const ClientRig::Drive& drive,
                           const ClientOptions& options = {});

// Writes the content to the request's body, `piece` octets at a time, and finishes it.
[[nodiscard]] Task<sluice::Result<void>> write_all(Exchange& exchange, std::string_view content,
                                                   std::size_t piece = 64 * 1024);

// The response's content, to its end.
[[nodiscard]] Task<sluice::Result<std::string>> read_all(Exchange& exchange);

// A record without its times, as one line to compare.
[[nodiscard]] std::string facts_of(const Outcome& outcome);

}  // namespace sluice::http::tests
