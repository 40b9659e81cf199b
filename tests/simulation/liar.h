// Liar: a kernel that does not do what it reports, in the way that a plant wants.
//
// Ownership:    As Relay. let_go() and clean_up() undo what would keep the world from ending.

#pragma once

#include "sluice/tests/simulation/plants.h"
#include "sluice/tests/simulation/relay.h"

#include <sys/stat.h>

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace sluice::campaign {

class Liar final : public Relay {
public:
    Liar(Backend& real, Plant plant) noexcept : Relay(real), plant_(plant) {}

    // Hands over what was kept back.
    void let_go() noexcept;
    // Closes what was kept open.
    void clean_up() noexcept;

    [[nodiscard]] SocketState socket_state(int fd) noexcept override;
    void close(int fd, Ending ending) noexcept override;

protected:
    bool submitting(Relayed& operation) noexcept override;
    bool completing(Relayed& operation, Completion& completion) noexcept override;

private:
    void lie_of_send(Relayed& operation, Completion& completion) noexcept;
    void lie_of_receive(int fd, Completion& completion) noexcept;
    [[nodiscard]] bool is_client(int fd) const noexcept { return clients_.contains(fd); }

    Plant plant_;
    std::set<int> clients_;  // Sockets that connected.
    std::set<int> reset_;    // Sockets whose reset was told as a FIN.
    std::map<int, std::vector<std::byte>> kept_octets_;
    std::map<Operation*, bool> shortened_;
    std::vector<std::pair<Relayed*, std::int32_t>> kept_;
    std::vector<int> open_;
    bool has_kept_ = false;
    struct statx unwanted_{};
};

}  // namespace sluice::campaign
