// raw peers: a server and a client that speak octets, not HTTP, and so can say what no peer of ours
// would: nonsense, half a message, several requests at once, or nothing at all.
//
// Ownership:    Borrow their World.

#pragma once

#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"
#include "sluice/tests/simulation/world.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::campaign {

class RawServer {
public:
    explicit RawServer(World& world) : world_(world), scope_(world.loop) {}

    // Until a stop.
    [[nodiscard]] Task<> serve(std::string_view at);

private:
    [[nodiscard]] Task<> answer(std::unique_ptr<Transport> transport);

    World& world_;
    Scope scope_;
};

// Visits a server once, and is not polite.
[[nodiscard]] Task<> visit_rudely(World& world, std::string host);

// The numbers of exchanges that are asked for in one go begin here.
inline constexpr std::uint32_t pipelined_from = 1000;

}  // namespace sluice::campaign
