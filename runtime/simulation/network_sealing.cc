// Sockets whose kernel seals what is sent.

#include "sluice/runtime/simulation/network.h"

#include <algorithm>
#include <cerrno>

namespace sluice::simulation {

// Once, and only while neither side has ended.
bool Network::seal(int fd, const SealingKeys& keys, const Sealer& sealer) {
    const EndId* const end = end_of(fd);
    if (end == nullptr || wire_.refuses_to_send(*end) || wire_.state(*end).finished_by_peer) {
        return false;
    }
    return sealed_.try_emplace(fd, keys, sealer).second;
}

std::optional<std::uint64_t> Network::next_record(int fd) const noexcept {
    const auto found = sealed_.find(fd);
    return found == sealed_.end() ? std::nullopt : std::optional(found->second.next_record());
}

bool Network::holds_back(int fd) const noexcept {
    const auto found = sealed_.find(fd);
    return found != sealed_.end() && !found->second.held_back().empty();
}

// After a FIN there is no way for it any more.
void Network::give_to_tcp(int fd) noexcept {
    const auto found = sealed_.find(fd);
    if (found == sealed_.end() || found->second.held_back().empty()) {
        return;
    }
    const EndId end = *end_of(fd);
    if (!wire_.refuses_to_send(end)) {
        const std::int32_t given = wire_.send(end, found->second.held_back());
        found->second.have_given(given > 0 ? static_cast<std::size_t>(given) : 0);
    }
}

// A record is sealed whole as soon as there is any room.
std::int32_t Network::send_sealed(int fd, std::uint8_t type,
                                  std::span<const std::byte> from) noexcept {
    const EndId end = *end_of(fd);
    if (wire_.refuses_to_send(end)) {
        return wire_.send(end, from);
    }
    give_to_tcp(fd);
    std::size_t accepted = 0;
    while (accepted < from.size() && !holds_back(fd) &&
           wire_.state(end).unacknowledged < options_.send_buffer_octets) {
        const std::size_t octets =
            std::min(from.size() - accepted, SealedSending::record_octets_max);
        sealed_.at(fd).seal(type, from.subspan(accepted, octets));
        accepted += octets;
        give_to_tcp(fd);
    }
    return accepted > 0 || from.empty() ? static_cast<std::int32_t>(accepted) : -EAGAIN;
}

}  // namespace sluice::simulation
