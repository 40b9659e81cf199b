// CaseFile: the evidence of a world, with what belongs together put together.
//
// A client's attempt and a server's exchange are the same if they are the n-th of one connection.

#pragma once

#include "sluice/tests/simulation/evidence.h"
#include "sluice/tests/simulation/plan.h"
#include "sluice/tests/simulation/script.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::campaign {

using ExchangeKey = std::pair<std::uint16_t, std::uint32_t>;  // The client's port, and which.

// One attempt at a request, as a client recorded it.
struct Attempt {
    const Outcome* outcome;
    const Call* call;  // None: the application let it go, so who asked is not known.
    const Told* told;  // None: it was tried again, and its record is among the attempts only.
    ExchangeKey key;
};

struct CaseFile {
    CaseFile(const Script& its_script, const Evidence& its_evidence);

    const Script& script;
    const Evidence& evidence;
    std::vector<Attempt> attempts;  // In the order of their connections.
    std::multimap<ExchangeKey, const Told*> servers;
    std::map<ExchangeKey, const Handling*> handlings;

    [[nodiscard]] const Told* server_of(const ExchangeKey& key) const;
    [[nodiscard]] const Handling* handling_of(const ExchangeKey& key) const;
    [[nodiscard]] const WireConnection* wire_of(const ExchangeKey& key) const;
    // Whether one end of that connection is no HTTP of ours; and whether it is the server's.
    [[nodiscard]] bool is_raw(std::uint16_t port) const {
        return evidence.raw_ports.contains(port);
    }
    [[nodiscard]] bool is_raw_server(std::uint16_t port) const {
        return evidence.raw_server_ports.contains(port);
    }

private:
    [[nodiscard]] const Call* unassigned_caller(const Outcome& outcome) const;
};

[[nodiscard]] bool is_assigned(const Outcome& outcome) noexcept;

// "exchange 3 of port 32768: ".
[[nodiscard]] std::string at(const ExchangeKey& key);
[[nodiscard]] std::string of(const Call& call);

}  // namespace sluice::campaign
