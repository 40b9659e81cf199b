#include "sluice/tests/simulation/checks.h"

#include "sluice/http/outcome_json.h"
#include "sluice/http/verdict.h"

#include <algorithm>
#include <set>

namespace sluice::campaign {

namespace {

using http::ReceivePhase;
using http::SendPhase;

std::string against(std::string_view what, std::uint64_t told, std::uint64_t known) {
    return std::string(what) + " " + std::to_string(told) + ", where it is " +
           std::to_string(known);
}

void check_order(const Outcome& outcome, const std::string& where, Found& found) {
    const http::SendFacts& send = outcome.send;
    if (send.body_accepted > send.body_offered) {
        found.push_back(where + against("accepted", send.body_accepted, send.body_offered));
    }
    if (send.acknowledged.value_or(0) > send.wire_accepted()) {
        found.push_back(where + against("acknowledged", *send.acknowledged, send.wire_accepted()));
    }
    if (send.declared && send.body_offered > *send.declared) {
        found.push_back(where + against("offered", send.body_offered, *send.declared));
    }
    const http::ReceiveFacts& receive = outcome.receive;
    if (receive.discarded > receive.body) {
        found.push_back(where + against("discarded", receive.discarded, receive.body));
    }
    if (receive.declared && receive.body > *receive.declared) {
        found.push_back(where + against("received", receive.body, *receive.declared));
    }
}

void check_all_accepted(const http::SendFacts& send, const std::string& where, Found& found) {
    if (send.phase == SendPhase::all_accepted && send.body_accepted != send.body_offered) {
        found.push_back(where + against("all accepted of", send.body_accepted, send.body_offered));
    }
}

void check_offered(std::uint64_t offered, const Passed& sent, const std::string& where,
                   Found& found) {
    if (offered > sent.octets) {
        found.push_back(where + against("offered", offered, sent.octets));
    }
    if (offered < sent.taken) {
        found.push_back(where + against("offered", offered, sent.taken));
    }
}

// Octets that the records of one side of one connection account for.
struct Sums {
    std::uint64_t accepted = 0;
    std::uint64_t received = 0;
};

}  // namespace

void check_one_outcome(const CaseFile& file, Found& found) {
    for (const Call& call : file.evidence.calls) {
        const int due = call.let_go ? 0 : 1;
        if (call.outcomes != due) {
            found.push_back(of(call) + against("outcomes",
                                               static_cast<std::uint64_t>(call.outcomes),
                                               static_cast<std::uint64_t>(due)));
        }
    }
    if (file.evidence.client_told.size() != file.evidence.calls.size()) {
        found.push_back(against("clients' outcomes", file.evidence.client_told.size(),
                                file.evidence.calls.size()));
    }
    std::set<ExchangeKey> assigned;
    for (const Attempt& attempt : file.attempts) {
        if (is_assigned(*attempt.outcome) && !assigned.insert(attempt.key).second) {
            found.push_back(at(attempt.key) + "told to its client twice");
        }
    }
    for (auto next = file.servers.begin(); next != file.servers.end();) {
        const ExchangeKey key = next->first;
        const auto same = file.servers.equal_range(key);
        if (std::distance(same.first, same.second) > 1) {
            found.push_back(at(key) + "told to its server twice");
        }
        const bool had_head = next->second->outcome.receive.phase >= ReceivePhase::head_complete;
        const auto verdict = verdict_of(next->second->outcome);
        if (had_head && verdict != http::Verdict::head_rejected &&
            file.handling_of(key) == nullptr) {
            found.push_back(at(key) + "its head is complete, and no handler ran");
        }
        next = same.second;
    }
    for (const auto& [key, handling] : file.handlings) {
        if (file.server_of(key) == nullptr) {
            found.push_back(at(key) + "a handler ran, and its server was told nothing");
        }
    }
    for (const auto& [port, wire] : file.evidence.wire) {
        const auto told = file.servers.lower_bound({port, 0});
        // One that is closed before the server took it from its acceptor has brought it nothing.
        if (wire.server.delivered > 0 && file.evidence.taken_ports.contains(port) &&
            (told == file.servers.end() || told->first.first != port)) {
            found.push_back(at({port, 0}) + "the server was told nothing of this connection");
        }
    }
}

void check_counters_in_order(const CaseFile& file, Found& found) {
    for (const Attempt& attempt : file.attempts) {
        check_order(*attempt.outcome, at(attempt.key), found);
        check_all_accepted(attempt.outcome->send, at(attempt.key), found);
    }
    for (const Call& call : file.evidence.calls) {
        if (!call.let_go) {
            check_order(call.outcome, of(call), found);
            if (call.outcome.send.body_offered > call.sent.octets) {
                found.push_back(of(call) + against("offered", call.outcome.send.body_offered,
                                                   call.sent.octets));
            }
        }
    }
    for (const auto& [key, told] : file.servers) {
        check_order(told->outcome, at(key), found);
        const Handling* const handling = file.handling_of(key);
        if (handling == nullptr) {
            continue;
        }
        if (handling->told) {
            check_order(*handling->told, at(key), found);
        }
        if (handling->method == http::Method::head) {
            continue;  // The sink takes what it does not send.
        }
        check_all_accepted(told->outcome.send, at(key), found);
        if (handling->status == told->outcome.status && handling->sent.octets > 0) {
            check_offered(told->outcome.send.body_offered, handling->sent, at(key), found);
        }
    }
}

void check_counters_grow(const CaseFile& file, Found& found) {
    for (const Call& call : file.evidence.calls) {
        if (call.counters_fell) {
            found.push_back(of(call) + "a counter fell");
        }
    }
    for (const auto& [key, told] : file.servers) {
        const Handling* const handling = file.handling_of(key);
        if (handling == nullptr || !handling->told) {
            continue;
        }
        const Outcome& early = *handling->told;
        const Outcome& late = told->outcome;
        if (early.send.wire_accepted() > late.send.wire_accepted() ||
            early.send.acknowledged.value_or(0) > late.send.acknowledged.value_or(0) ||
            early.receive.wire() > late.receive.wire() || early.send.phase > late.send.phase) {
            found.push_back(at(key) + "the handler was told more than the observer");
        }
        if (early.cause && early.cause != late.cause) {
            found.push_back(at(key) + "the observer was told another cause than the handler");
        }
    }
}

void check_wire_balance(const CaseFile& file, Found& found) {
    std::map<std::uint16_t, Sums> clients;
    for (const Attempt& attempt : file.attempts) {
        if (!is_assigned(*attempt.outcome)) {
            continue;
        }
        Sums& sums = clients[attempt.key.first];
        sums.accepted += attempt.outcome->send.wire_accepted();
        sums.received += attempt.outcome->receive.wire();
        const Told* const told = attempt.told;
        if (told != nullptr && told->accepted != sums.accepted) {
            found.push_back(at(attempt.key) +
                            against("the client accepted so far", sums.accepted, told->accepted));
        }
        if (const Told* const server = file.server_of(attempt.key)) {
            const Outcome& other = server->outcome;
            if (other.receive.wire() > attempt.outcome->send.wire_accepted()) {
                found.push_back(at(attempt.key) + against("the server received",
                                                          other.receive.wire(),
                                                          attempt.outcome->send.wire_accepted()));
            }
            if (attempt.outcome->receive.wire() > other.send.wire_accepted()) {
                found.push_back(at(attempt.key) + against("the client received",
                                                          attempt.outcome->receive.wire(),
                                                          other.send.wire_accepted()));
            }
        }
    }
    std::map<std::uint16_t, Sums> servers;
    for (const auto& [key, told] : file.servers) {
        Sums& sums = servers[key.first];
        sums.accepted += told->outcome.send.wire_accepted();
        sums.received += told->outcome.receive.wire();
    }
    for (const auto& [port, wire] : file.evidence.wire) {
        const bool has_client = clients.contains(port);
        const Sums& client = clients[port];
        const Sums& server = servers[port];
        if (wire.client.is_known && has_client && client.accepted != wire.client.accepted) {
            found.push_back(at({port, 0}) +
                            against("the client accepted", client.accepted, wire.client.accepted));
        }
        if (client.received > wire.client.delivered) {
            found.push_back(at({port, 0}) +
                            against("the client received", client.received, wire.client.delivered));
        }
        if (wire.server.is_known && !file.is_raw_server(port) &&
            server.accepted != wire.server.accepted) {
            found.push_back(at({port, 0}) +
                            against("the server accepted", server.accepted, wire.server.accepted));
        }
        if (server.received > wire.server.delivered) {
            found.push_back(at({port, 0}) +
                            against("the server received", server.received, wire.server.delivered));
        }
    }
}

void check_acknowledged(const CaseFile& file, Found& found) {
    std::map<std::uint16_t, std::uint64_t> before;
    const auto check = [&](const ExchangeKey& key, const Told& told) {
        const http::SendFacts& send = told.outcome.send;
        std::uint64_t& base = before[key.first];
        if (send.acknowledged.value_or(0) > 0 && base + *send.acknowledged > told.acknowledged) {
            found.push_back(at(key) +
                            against("acknowledged", base + *send.acknowledged, told.acknowledged));
        }
        base += send.wire_accepted();
    };
    for (const auto& [key, told] : file.servers) {
        check(key, *told);
    }
    before.clear();
    for (const Attempt& attempt : file.attempts) {
        if (is_assigned(*attempt.outcome) && attempt.told != nullptr) {
            check(attempt.key, *attempt.told);
        } else if (is_assigned(*attempt.outcome)) {
            before[attempt.key.first] += attempt.outcome->send.wire_accepted();
        }
    }
}

void check_confirmed(const CaseFile& file, Found& found) {
    std::map<std::uint16_t, std::uint64_t> sent;
    for (const auto& [key, told] : file.servers) {
        std::uint64_t& sum = sent[key.first];
        sum += told->outcome.send.wire_accepted();
        const WireConnection* const wire = file.wire_of(key);
        const bool is_confirmed = delivery_of(told->outcome) == http::DeliveryLevel::confirmed;
        // Who half-closes without having read looks to a server like one who has: the one thing
        // that its heuristic cannot see.
        const bool half_closed = wire != nullptr && wire->client.half_closed;
        // Nor can it see that a FIN is somebody else's than the client's, whose own takes time.
        const bool forged = !file.script.over_tls && wire != nullptr &&
                            wire->server.fin_seen_at <= wire->client.shut_at;
        if (is_confirmed && !half_closed && !forged &&
            (wire == nullptr || wire->client.delivered < sum)) {
            found.push_back(
                at(key) + against("confirmed", sum, wire == nullptr ? 0 : wire->client.delivered));
        }
    }
}

void check_deadlock(const CaseFile& file, Found& found) {
    for (const std::string& report : file.evidence.simulator_reports) {
        found.push_back(report);
    }
}

void check_leaks(const CaseFile& file, Found& found) {
    if (!file.evidence.leaks.empty()) {
        found.push_back(file.evidence.leaks + "left");
    }
}

}  // namespace sluice::campaign
