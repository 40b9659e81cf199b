// Direction, Side: the two sides of a connection, and which direction is whose.

#pragma once

#include "sluice/runtime/simulation/options.h"

#include <cstddef>
#include <cstdint>

namespace sluice::simulation {

enum class Side : std::uint8_t { client, server };

constexpr std::size_t index_of(Direction direction) {
    return static_cast<std::size_t>(direction);
}

constexpr Direction reverse(Direction direction) {
    return direction == Direction::to_server ? Direction::to_client : Direction::to_server;
}

constexpr Direction sent_by(Side side) {
    return side == Side::client ? Direction::to_server : Direction::to_client;
}

constexpr Side sender_of(Direction direction) {
    return direction == Direction::to_server ? Side::client : Side::server;
}

constexpr Side receiver_of(Direction direction) {
    return sender_of(reverse(direction));
}

constexpr std::size_t index_of(Side side) {
    return static_cast<std::size_t>(side);
}

}  // namespace sluice::simulation
