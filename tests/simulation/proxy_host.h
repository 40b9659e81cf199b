// ProxyHost: a reverse proxy that streams: what its client sends goes on as it comes, and so does
// its origin's answer, whose truncation becomes an abort.
//
// Ownership:    Borrows its World. serve() must have completed, and close() been awaited, before it
//               is destroyed.

#pragma once

#include "sluice/http/client.h"
#include "sluice/http/exchange.h"
#include "sluice/http/server.h"
#include "sluice/runtime/task.h"
#include "sluice/tests/simulation/origin_host.h"
#include "sluice/tests/simulation/recorder.h"
#include "sluice/tests/simulation/world.h"

#include <string_view>

namespace sluice::campaign {

class ProxyHost {
public:
    explicit ProxyHost(World& world);

    [[nodiscard]] Task<> serve(std::string_view at);
    void drain(Duration patience) noexcept { server_.drain(patience); }
    [[nodiscard]] Task<> close() { return client_.close(); }

private:
    // What one exchange is to the one side and to the other.
    struct Passing {
        Handling& handling;
        Call& call;
        http::Request& request;
        http::Responder& responder;
        http::Exchange& exchange;
    };

    [[nodiscard]] Task<> handle(http::Request& request, http::Responder& responder);
    [[nodiscard]] Task<bool> pass_request(Passing& passing);
    [[nodiscard]] Task<bool> pass_answer(Passing& passing);
    void give_up(Passing& passing, http::Mechanism why, const Error& error);

    World& world_;
    Counter counter_;
    Recorder server_recorder_;
    Recorder client_recorder_;
    http::Client client_;
    http::Server server_;
};

}  // namespace sluice::campaign
