#include "sluice/tests/simulation/checks.h"

#include "sluice/http/verdict.h"
#include "sluice/tests/simulation/origin_host.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>

namespace sluice::campaign {

namespace {

using http::Mechanism;
using http::Method;
using http::ReceivePhase;
using http::Verdict;

// Answers that a server gives by itself, when the handler gave none.
bool is_servers_own(http::Status status) noexcept {
    switch (status) {
        case http::Status::bad_request:
        case http::Status::request_timeout:
        case http::Status::content_too_large:
        case http::Status::internal_server_error: return true;
        default: return false;
    }
}

// Whether `got` is how the content of that seed begins.
bool begins_as(std::uint64_t seed, const Passed& got) {
    return digest_of(content_of(seed, got.octets)) == got.digest;
}

std::string amounts(const Passed& got, const Passed& sent) {
    return std::to_string(got.octets) + " octets of " + std::to_string(sent.octets) +
           (sent.ended ? "" : " and no end");
}

// Whether what one side took for whole is what the other had finished; or, without that, all that
// it had declared: nobody can tell the two apart. More than was declared is refused.
bool is_whole(const Passed& sent, std::optional<std::uint64_t> declared, std::uint64_t octets,
              const Digest& digest) {
    if (octets == sent.octets) {
        return digest == sent.digest && (sent.ended || declared == octets);
    }
    return octets < sent.octets && declared == octets;
}

void check_answer(const Attempt& attempt, const Handling* handling, Found& found) {
    const Call& call = *attempt.call;
    const Outcome& outcome = *attempt.outcome;
    if (call.to == Host::store) {
        return;  // What it hands over is its own affair, as long as objects are whole.
    }
    if (handling == nullptr || handling->status == http::Status{}) {
        if (!is_servers_own(outcome.status)) {
            found.push_back(of(call) + "complete, though nobody answered");
        }
        return;
    }
    if (is_servers_own(outcome.status) && outcome.status != handling->status) {
        return;
    }
    if (outcome.status != handling->status) {
        found.push_back(of(call) + "complete with a status that was not given");
    }
    const bool has_content = call.method != Method::head;
    const Passed& sent = handling->sent;
    const Digest digest = call.got.ended ? call.got.digest : sent.digest;
    if (has_content && !is_whole(sent, handling->declared, outcome.receive.body, digest)) {
        found.push_back(of(call) + "complete with " + amounts(call.got, sent));
    }
}

// The value of a field of a head, as we write fields.
std::string_view field_of(std::string_view head, std::string_view name) {
    const std::size_t place = head.find(std::string("\r\n").append(name).append(": "));
    if (place == std::string_view::npos) {
        return {};
    }
    const std::string_view value = head.substr(place + 2 + name.size() + 2);
    return value.substr(0, value.find("\r\n"));
}

// Answers one after another, each to the request at its place.
void check_pipelined(const CaseFile& file, const Pipelined& pipelined, Found& found) {
    std::string_view left = pipelined.answers;
    for (const std::uint32_t number : pipelined.asked) {
        const std::size_t end = left.find("\r\n\r\n");
        if (end == std::string_view::npos) {
            return;
        }
        const std::string_view head = left.substr(0, end + 2);
        left.remove_prefix(end + 4);
        if (!head.starts_with("HTTP/1.1 200 ")) {
            return;  // The server refused, and says no more.
        }
        std::uint64_t length = 0;
        const std::string_view digits = field_of(head, "Content-Length");
        std::from_chars(digits.data(), digits.data() + digits.size(), length);
        const std::string content(left.substr(0, std::min<std::uint64_t>(length, left.size())));
        left.remove_prefix(content.size());
        const Plan plan = plan_of(file.script, file.script.workload, number);
        if (field_of(head, "X-Exchange") != std::to_string(number) ||
            length != plan.response_octets ||
            content != content_of(plan.response_seed, content.size())) {
            found.push_back("pipelined exchange " + std::to_string(number) +
                            " has another's answer");
        }
    }
}

}  // namespace

void check_complete(const CaseFile& file, Found& found) {
    std::map<ExchangeKey, const Call*> callers;
    for (const Attempt& attempt : file.attempts) {
        if (attempt.call == nullptr) {
            continue;
        }
        callers[attempt.key] = attempt.call;
        if (attempt.outcome->receive.phase == ReceivePhase::complete &&
            attempt.call->to != Host::raw) {
            check_answer(attempt, file.handling_of(attempt.key), found);
        }
        const Call& call = *attempt.call;
        if (call.got.ended && attempt.told != nullptr &&
            attempt.outcome->receive.phase != ReceivePhase::complete) {
            found.push_back(of(call) + "its content ended, and the record is incomplete");
        }
    }
    for (const auto& [key, handling] : file.handlings) {
        const auto caller = callers.find(key);
        if (!handling->got.ended || caller == callers.end()) {
            continue;
        }
        const Call& call = *caller->second;
        const Passed& got = handling->got;
        if (!is_whole(call.sent, call.declared, got.octets, got.digest)) {
            found.push_back(at(key) + "the handler saw the end at " + amounts(got, call.sent));
        }
    }
}

void check_answered_early(const CaseFile& file, Found& found) {
    for (const Attempt& attempt : file.attempts) {
        const http::SendFacts& sent = attempt.outcome->send;
        if (http::verdict_of(*attempt.outcome) == Verdict::answered_early &&
            sent.declared == sent.body_accepted) {
            found.push_back(at(attempt.key) + "answered early, with all that was declared sent");
        }
    }
}

void check_never_on_wire(const CaseFile& file, Found& found) {
    std::map<const Call*, int> on_wire;
    for (const Attempt& attempt : file.attempts) {
        const bool is_on = attempt.outcome->send.wire_accepted() > 0;
        on_wire[attempt.call] += is_on ? 1 : 0;
        const Told* const server = file.server_of(attempt.key);
        if (!is_on && is_assigned(*attempt.outcome) && server != nullptr) {
            found.push_back(at(attempt.key) + "never on the wire, and its server knows of it");
        }
    }
    for (const Call& call : file.evidence.calls) {
        int runs = 0;
        for (const Handling& handling : file.evidence.handlings) {
            const bool is_behind_proxy = handling.at == Host::origin && call.to == Host::proxy;
            runs += handling.number == call.number && !is_behind_proxy ? 1 : 0;
        }
        if (runs > 0 && on_wire[&call] == 0 && !call.let_go && !call.from_proxy) {
            found.push_back(of(call) + "never on the wire, and a handler ran");
        }
    }
}

void check_truncated(const CaseFile& file, Found& found) {
    std::map<std::uint16_t, std::uint64_t> received;
    for (const Attempt& attempt : file.attempts) {
        if (!is_assigned(*attempt.outcome)) {
            continue;
        }
        const Outcome& outcome = *attempt.outcome;
        std::uint64_t& sum = received[attempt.key.first];
        sum += outcome.receive.wire();
        const Call* const call = attempt.call;
        if (verdict_of(outcome) != Verdict::truncated) {
            continue;
        }
        if (call != nullptr &&
            call->got.octets + outcome.receive.discarded != outcome.receive.body) {
            found.push_back(of(*call) + "truncated at " + std::to_string(outcome.receive.body) +
                            ", and got " + std::to_string(call->got.octets));
        }
        const WireConnection* const wire = file.wire_of(attempt.key);
        if (wire != nullptr && outcome.cause.mechanism == Mechanism::fin &&
            sum != wire->client.delivered) {
            found.push_back(at(attempt.key) + "truncated at " + std::to_string(sum) +
                            " octets of the connection, where " +
                            std::to_string(wire->client.delivered) + " came");
        }
    }
    received.clear();
    const bool fin_is_gone = server_options_of(file.script).fin_is_gone;
    for (const auto& [key, told] : file.servers) {
        const Outcome& outcome = told->outcome;
        std::uint64_t& sum = received[key.first];
        sum += outcome.receive.wire();
        const Handling* const handling = file.handling_of(key);
        if (verdict_of(outcome) != Verdict::request_truncated || handling == nullptr ||
            handling->at == Host::store) {
            continue;
        }
        if (handling->got.octets + outcome.receive.discarded != outcome.receive.body) {
            found.push_back(at(key) + "cut at " + std::to_string(outcome.receive.body) +
                            ", and its handler got " + std::to_string(handling->got.octets));
        }
        const WireConnection* const wire = file.wire_of(key);
        // Where a FIN means that the client is gone, what it said before goes unread.
        if (wire != nullptr && outcome.cause.mechanism == Mechanism::fin && !fin_is_gone &&
            sum != wire->server.delivered) {
            found.push_back(at(key) + "cut at " + std::to_string(sum) +
                            " octets of the connection, where " +
                            std::to_string(wire->server.delivered) + " came");
        }
    }
}

void check_executed_once(const CaseFile& file, Found& found) {
    std::map<std::pair<Host, std::uint32_t>, int> runs;
    for (const Handling& handling : file.evidence.handlings) {
        if (handling.number != no_exchange_number && !is_idempotent(handling.method) &&
            ++runs[{handling.at, handling.number}] == 2) {
            found.push_back("exchange " + std::to_string(handling.number) + " was executed twice");
        }
    }
}

void check_answers_in_order(const CaseFile& file, Found& found) {
    for (const Pipelined& pipelined : file.evidence.pipelined) {
        check_pipelined(file, pipelined, found);
    }
    for (const Attempt& attempt : file.attempts) {
        const Handling* const handling = file.handling_of(attempt.key);
        if (attempt.call == nullptr || handling == nullptr || handling->own_answer ||
            handling->aborted || attempt.told == nullptr ||
            handling->status != attempt.outcome->status || attempt.call->to == Host::store) {
            continue;
        }
        if (handling->at == Host::proxy && is_servers_own(handling->status)) {
            continue;  // Its origin's server, and not its handler, may have said so.
        }
        const Call& call = *attempt.call;
        const Plan plan = plan_of(file.script, file.script.workload, call.number);
        if (handling->number != call.number) {
            found.push_back(of(call) + "answered as exchange " + std::to_string(handling->number));
        } else if (!begins_as(plan.response_seed, call.got)) {
            found.push_back(of(call) + "answered with what was not asked for");
        }
    }
}

void check_handlers(const CaseFile& file, Found& found) {
    for (const auto& [key, handling] : file.handlings) {
        const Told* const told = file.server_of(key);
        if (handling->ended == never) {
            found.push_back(at(key) + "its handler did not end");
        } else if (told != nullptr && told->at < handling->ended) {
            found.push_back(at(key) + "told before its handler had ended");
        }
    }
}

void check_deadlines(const CaseFile& file, Found& found) {
    // What is left then takes no waiting, only the loop's turns.
    constexpr Duration slack = std::chrono::milliseconds(5);
    for (const Call& call : file.evidence.calls) {
        if (call.limit != never && call.outcomes > 0 &&
            call.outcome.times.ended > call.began + call.limit + slack) {
            const Duration late = call.outcome.times.ended - call.began - call.limit;
            found.push_back(of(call) + "ended " + std::to_string(late.count()) +
                            " ns after its deadline");
        }
    }
}

}  // namespace sluice::campaign
