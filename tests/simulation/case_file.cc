#include "sluice/tests/simulation/case_file.h"

#include "sluice/tests/simulation/recorder.h"

#include <algorithm>
#include <ranges>
#include <set>

namespace sluice::campaign {

bool is_assigned(const Outcome& outcome) noexcept {
    return outcome.send.phase != http::SendPhase::unassigned;
}

CaseFile::CaseFile(const Script& its_script, const Evidence& its_evidence)
    : script(its_script), evidence(its_evidence) {
    const auto key_of = [](const Outcome& outcome) {
        return ExchangeKey(is_assigned(outcome) ? client_port_of(outcome) : 0,
                           outcome.connection.exchange);
    };
    std::map<ExchangeKey, const Call*> callers;
    for (const Call& call : evidence.calls) {
        for (const Outcome& outcome : call.attempts) {
            const bool is_last = !call.let_go && &outcome == &call.attempts.back();
            if (!is_last) {
                attempts.push_back({&outcome, &call, nullptr, key_of(outcome)});
            } else if (is_assigned(outcome)) {
                callers[key_of(outcome)] = &call;
            }
        }
    }
    for (const Told& told : evidence.client_told) {
        const ExchangeKey key = key_of(told.outcome);
        const auto caller = callers.find(key);
        const Call* const call =
            caller == callers.end() ? unassigned_caller(told.outcome) : caller->second;
        attempts.push_back({&told.outcome, call, &told, key});
    }
    // Those of one key stay in their order; what stable_sort asks for, Clang calls deprecated.
    std::multimap<ExchangeKey, Attempt> sorted;
    for (const Attempt& attempt : attempts) {
        sorted.emplace(attempt.key, attempt);
    }
    std::ranges::copy(sorted | std::views::values, attempts.begin());
    for (const Told& told : evidence.server_told) {
        const bool is_exchange = told.outcome.receive.phase != http::ReceivePhase::none;
        servers.emplace(ExchangeKey(client_port_of(told.outcome),
                                    is_exchange ? told.outcome.connection.exchange : 0),
                        &told);
    }
    for (const Handling& handling : evidence.handlings) {
        handlings[{handling.client_port, handling.nth}] = &handling;
    }
}

// Without a connection to know it by, an exchange is known by when it was.
const Call* CaseFile::unassigned_caller(const Outcome& outcome) const {
    const auto is_its = [&](const Call& call) {
        return !is_assigned(outcome) && !call.let_go && !is_assigned(call.outcome) &&
               call.outcome.times.queued == outcome.times.queued &&
               call.outcome.times.ended == outcome.times.ended &&
               call.outcome.cause == outcome.cause;
    };
    const auto call = std::ranges::find_if(evidence.calls, is_its);
    return call == evidence.calls.end() ? nullptr : &*call;
}

const Told* CaseFile::server_of(const ExchangeKey& key) const {
    const auto found = servers.find(key);
    return found == servers.end() ? nullptr : found->second;
}

const Handling* CaseFile::handling_of(const ExchangeKey& key) const {
    const auto found = handlings.find(key);
    return found == handlings.end() ? nullptr : found->second;
}

const WireConnection* CaseFile::wire_of(const ExchangeKey& key) const {
    const auto found = evidence.wire.find(key.first);
    return found == evidence.wire.end() ? nullptr : &found->second;
}

std::string at(const ExchangeKey& key) {
    return "exchange " + std::to_string(key.second) + " of port " + std::to_string(key.first) +
           ": ";
}

std::string of(const Call& call) {
    return (call.from_proxy ? "the proxy's call " : "call ") + std::to_string(call.number) + ": ";
}

}  // namespace sluice::campaign
