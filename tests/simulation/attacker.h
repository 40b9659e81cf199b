// Attacker: stands on the path of connections, and alters octets of them: what TLS is for.
//
// Ownership:    As Relay. Borrows the wiretap that stands in front of it, and tells it first.

#pragma once

#include "sluice/tests/simulation/relay.h"
#include "sluice/tests/simulation/script.h"
#include "sluice/tests/simulation/wiretap.h"

#include <cstddef>
#include <cstdint>
#include <map>

namespace sluice::campaign {

class Attacker final : public Relay {
public:
    Attacker(Backend& real, const Script& script) noexcept : Relay(real), script_(script) {}

    void tell(Wiretap& tap) noexcept { tap_ = &tap; }
    [[nodiscard]] std::uint64_t flips() const noexcept { return flips_; }

    void close(int fd, Ending ending) noexcept override;

protected:
    bool completing(Relayed& operation, Completion& completion) noexcept override;

private:
    struct End {
        std::size_t connection;  // Counted from 0, as they appear.
        simulation::Direction incoming;
        std::uint64_t octets = 0;
    };

    void open(int fd, std::uint16_t client_port, simulation::Direction incoming);

    const Script& script_;
    Wiretap* tap_ = nullptr;
    std::map<std::uint16_t, std::size_t> connections_;
    std::map<int, End> ends_;
    std::uint64_t flips_ = 0;
};

}  // namespace sluice::campaign
