// StoreHost: the object store of the examples, on a disk that may fail and a machine that may lose
// its power.
//
// Ownership:    Borrows its World. serve() must have completed before it is destroyed.

#pragma once

#include "sluice/examples/store.h"
#include "sluice/http/server.h"
#include "sluice/runtime/task.h"
#include "sluice/tests/simulation/origin_host.h"
#include "sluice/tests/simulation/recorder.h"
#include "sluice/tests/simulation/world.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::campaign {

class StoreHost {
public:
    explicit StoreHost(World& world);

    // Where an exchange puts its object: a few names, so that some are replaced.
    [[nodiscard]] static std::string name_of(std::uint32_t number);

    [[nodiscard]] Task<> serve(std::string_view at);
    void drain(Duration patience) noexcept { server_.drain(patience); }

    // Draws what the next machine would find, and lets nothing more reach the disk.
    void crash();

private:
    [[nodiscard]] Task<> handle(http::Request& request, http::Responder& responder);
    [[nodiscard]] Task<> put_half(http::Request& request, http::Responder& responder);

    World& world_;
    simulation::Disk& disk_;  // Its own.
    examples::Store store_;
    Counter counter_;
    Recorder recorder_;
    http::Server server_;
};

}  // namespace sluice::campaign
