// ClientHost: an application that asks for things, one after another, and writes down what happens.
//
// Ownership:    Borrows its World. close() it, and await that, before it is destroyed.

#pragma once

#include "sluice/http/client.h"
#include "sluice/http/exchange.h"
#include "sluice/runtime/task.h"
#include "sluice/tests/simulation/recorder.h"
#include "sluice/tests/simulation/world.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::campaign {

// How a client asks, drawn from the seed.
[[nodiscard]] http::ClientOptions client_options_of(const Script& script);
// The same, with the means of its world.
[[nodiscard]] http::ClientOptions client_options_in(const World& world);

class ClientHost {
public:
    explicit ClientHost(World& world);

    // One exchange, as planned, and as its fault has it.
    [[nodiscard]] Task<Call*> ask(std::string url, std::uint32_t number, Plan plan);

    [[nodiscard]] http::Client& client() noexcept { return client_; }

private:
    struct Asking;

    [[nodiscard]] Task<> fetch(Asking& asking, http::ClientRequest& request);
    [[nodiscard]] Task<> exchange(Asking& asking, http::ClientRequest& request);
    [[nodiscard]] Task<bool> write(Asking& asking);
    [[nodiscard]] Task<bool> read(Asking& asking);
    // What the fault does once `octets` have passed. False: it was the last that is done.
    [[nodiscard]] Task<bool> go_wrong(Asking& asking, std::uint64_t octets, bool is_writing);
    void conclude(Asking& asking, const Outcome& outcome);

    World& world_;
    Recorder recorder_;
    http::Client client_;
};

}  // namespace sluice::campaign
