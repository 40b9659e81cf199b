// client_faults(): what a raw server can do to a client, as scripts whose every octet is decided.
//
// As in server_faults(): nothing depends on how much a kernel buffers or on what comes first.

#pragma once

#include "sluice/http/client_options.h"
#include "sluice/http/client_request.h"
#include "sluice/runtime/task.h"
#include "sluice/tests/http/scripted_server.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::http::tests {

// What the client asks for, and how it goes about it.
struct Asked {
    enum class Content : std::uint8_t { none, length, chunked, kept };

    std::string method = "GET";
    Content content = Content::none;
    std::uint64_t length = 0;
    std::string written{};  // Of the content: less than all of it is left unfinished.
    bool expects_continue = false;
    bool is_abandoned = false;  // Once the response's head has come.
    bool is_read = true;
    bool is_refused = false;           // Nobody listens there.
    int times = 1;                     // One after another.
    std::optional<Duration> limit{};   // For the whole exchange.
    std::optional<std::string> url{};  // Instead of the rig's.
};

struct ClientFault {
    std::string what;
    std::vector<Script> scripts;
    Asked asked;
    ClientOptions options{};
};

[[nodiscard]] std::vector<ClientFault> client_faults();

// Asks, and appends what the application saw of it and what it was told, in words that hold on
// every backend and at every time.
[[nodiscard]] Task<> ask(ClientRig& rig, const Asked& asked, std::string& record);

// The record of an outcome but for its durations and ports; whether a time was reached stays.
[[nodiscard]] std::string timeless(const Outcome& outcome);

}  // namespace sluice::http::tests
