// OriginHost: a server whose handler does what the plan of each exchange says, or goes wrong.
//
// Ownership:    Borrows its World. serve() must have completed before it is destroyed.

#pragma once

#include "sluice/http/server.h"
#include "sluice/runtime/task.h"
#include "sluice/tests/simulation/recorder.h"
#include "sluice/tests/simulation/world.h"

#include <cstdint>
#include <map>
#include <string_view>

namespace sluice::campaign {

[[nodiscard]] http::ServerOptions server_options_of(const Script& script);

// The number in "/e/7"; none in others.
[[nodiscard]] std::uint32_t number_of(std::string_view target) noexcept;

// Which exchange of its connection a handler is run for.
class Counter {
public:
    // The entry of a handler that begins now.
    Handling& begin(World& world, Host host, const http::Request& request);

private:
    std::map<std::uint16_t, std::uint32_t> begun_;
};

// Marks a handler's end, however it leaves.
class HandlerEnd {
public:
    HandlerEnd(World& world, Handling& handling, const http::Responder& responder) noexcept
        : world_(world), handling_(handling), responder_(responder) {}
    HandlerEnd(HandlerEnd&&) = delete;
    ~HandlerEnd();

private:
    World& world_;
    Handling& handling_;
    const http::Responder& responder_;
};

// Reads a request's content, or up to `octets_max` of it.
[[nodiscard]] Task<> read_content(http::Request& request, Handling& handling,
                                  std::uint64_t octets_max);

class OriginHost {
public:
    OriginHost(World& world, Workload workload);

    [[nodiscard]] Task<> serve(std::string_view at);
    void drain(Duration patience) noexcept { server_.drain(patience); }

private:
    [[nodiscard]] Task<> handle(http::Request& request, http::Responder& responder);
    [[nodiscard]] Task<> answer(Handling& handling, const Plan& plan, const Fault* fault,
                                http::Responder& responder);
    [[nodiscard]] Task<> stream(Handling& handling, const Plan& plan, const Fault* fault,
                                http::Responder& responder);

    World& world_;
    Workload workload_;
    Counter counter_;
    Recorder recorder_;
    http::Server server_;
    std::uint32_t last_ = 0;  // The exchange before: for the plant that crosses answers.
};

}  // namespace sluice::campaign
