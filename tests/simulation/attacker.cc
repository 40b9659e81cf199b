#include "sluice/tests/simulation/attacker.h"

#include <variant>

namespace sluice::campaign {

using simulation::Direction;

void Attacker::close(int fd, Ending ending) noexcept {
    ends_.erase(fd);
    real().close(fd, ending);
}

bool Attacker::completing(Relayed& operation, Completion& completion) noexcept {
    const Request& request = operation.request;
    if (const auto* const connect = std::get_if<Connect>(&request)) {
        if (completion.result == 0) {
            open(connect->fd, real().local_endpoint(connect->fd).port(), Direction::to_client);
        }
    } else if (std::holds_alternative<Accept>(request)) {
        if (completion.result >= 0) {
            open(completion.result, real().peer_endpoint(completion.result).port(),
                 Direction::to_server);
        }
    } else if (const auto* const receive = std::get_if<Receive>(&request)) {
        const auto end = ends_.find(receive->fd);
        if (end == ends_.end() || completion.result <= 0) {
            return true;
        }
        End& known = end->second;
        const std::span<std::byte> octets = completion.received.octets();
        for (std::size_t number = 0; number < script_.faults.size(); ++number) {
            const Fault& fault = script_.faults[number];
            const simulation::Cut& where = fault.cut;
            const bool is_here = where.after_octets >= known.octets &&
                                 where.after_octets - known.octets < octets.size();
            if (fault.kind == FaultKind::flip && script_.has(number) && is_here &&
                where.connection == known.connection && where.direction == known.incoming) {
                octets[where.after_octets - known.octets] ^= std::byte{1};
                tap_->spoil(receive->fd, where.after_octets);
                ++flips_;
            }
        }
        known.octets += octets.size();
    }
    return true;
}

void Attacker::open(int fd, std::uint16_t client_port, Direction incoming) {
    const std::size_t number =
        connections_.try_emplace(client_port, connections_.size()).first->second;
    ends_.insert_or_assign(fd, End{number, incoming});
}

}  // namespace sluice::campaign
