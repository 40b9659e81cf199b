#include "sluice/tests/simulation/checks.h"

#include "sluice/http/cause.h"
#include "sluice/http/verdict.h"
#include "sluice/tests/simulation/client_host.h"

#include <algorithm>
#include <cerrno>
#include <map>

namespace sluice::campaign {

namespace {

using http::Cause;
using http::Mechanism;
using http::Party;
using http::TimeoutKind;

std::string words(const Cause& cause) {
    return std::string(name(cause.party)) + "/" + std::string(name(cause.mechanism)) + "/" +
           std::string(name(cause.phase)) + "/" + std::string(name(cause.timeout));
}

bool has(const std::vector<int>& errors, std::initializer_list<int> any_of) {
    return std::ranges::any_of(
        errors, [&](int each) { return std::ranges::find(any_of, each) != any_of.end(); });
}

// Whether an end of the peer's was seen at this end, and the peer, or a cut, had made it. Where TCP
// gave up no reset came: it is the end of a connection, and so is a reset.
bool peer_left(const CaseFile& file, const WireEnd& own, const WireEnd& other, Mechanism how,
               Instant at) {
    if (file.script.over_tls && how == Mechanism::fin) {
        return own.goodbye_heard_at <= at;  // Only the peer could have sealed it.
    }
    if (how == Mechanism::reset && own.gave_up) {
        return false;
    }
    const bool seen = how == Mechanism::fin ? own.fin_seen_at <= at
                                            : std::min(own.reset_seen_at, own.fin_seen_at) <= at;
    return seen && (other.shut_at <= at || file.evidence.is_cut || !other.is_known);
}

// Whether what came on this connection was altered on its way, so that an end of TLS gave up.
bool is_spoiled(const WireConnection& wire) {
    return wire.client.is_spoiled() || wire.server.is_spoiled();
}

// Whether TLS had that reason to fail at this end.
bool is_tls_proven(const CaseFile& file, const Cause& cause, const WireConnection& wire,
                   const WireEnd& own, const WireEnd& other, Instant at) {
    if (cause.tls != http::TlsEvent::cut_short) {
        return file.script.over_tls && is_spoiled(wire);
    }
    const bool is_cut = other.shut_at <= at || file.evidence.is_cut;
    return own.fin_seen_at <= at && own.goodbye_heard_at > at && is_cut;
}

// Whether it was so with a connection whose handshake was never done: which one, no record tells.
template <typename Holds>
bool is_of_any_wire(const CaseFile& file, const Cause& cause, Holds holds) {
    return cause.phase == http::ExchangePhase::tls &&
           std::ranges::any_of(file.evidence.wire,
                               [&](const auto& each) { return holds(each.second); });
}

// Less than this since its beginning, and no time limit of that kind can have passed.
Duration least_of(const http::ClientOptions& options, TimeoutKind kind) {
    switch (kind) {
        case TimeoutKind::pool_wait: return options.pool_wait_max;
        case TimeoutKind::connect: return options.connect_max;
        case TimeoutKind::first_byte: return options.first_byte_max;
        case TimeoutKind::between_bytes: return options.between_bytes_max;
        case TimeoutKind::stall: return options.stall_max;
        default: return Duration(0);
    }
}

// Whether the answer had more content than its client takes, or said so.
bool is_too_much(const CaseFile& file, const Attempt& attempt, const http::ClientOptions& options) {
    const Told* const server = file.server_of(attempt.key);
    const Handling* const handling = file.handling_of(attempt.key);
    const std::uint64_t declared = handling == nullptr ? 0 : handling->declared.value_or(0);
    const std::uint64_t offered = server == nullptr ? 0 : server->outcome.send.body_offered;
    return std::max(declared, offered) > options.limits.content_octets_max;
}

bool is_proven(const CaseFile& file, const Attempt& attempt, const http::ClientOptions& options) {
    const Outcome& outcome = *attempt.outcome;
    const Cause& cause = outcome.cause;
    const Evidence& evidence = file.evidence;
    const Instant ended = outcome.times.ended;
    const Call* const call = attempt.call;
    const WireConnection* const wire = file.wire_of(attempt.key);
    const auto has_left = [&](const WireConnection& any) {
        return peer_left(file, any.client, any.server, cause.mechanism, ended);
    };
    const auto has_failed = [&](const WireConnection& any) {
        return is_tls_proven(file, cause, any, any.client, any.server, ended);
    };
    const auto gave_up = [](const WireConnection& any) { return any.client.gave_up; };
    switch (cause.mechanism) {
        case Mechanism::none: return true;
        case Mechanism::fin:
        case Mechanism::reset:
            return cause.party == Party::peer &&
                   (wire != nullptr ? has_left(*wire) : is_of_any_wire(file, cause, has_left));
        case Mechanism::timeout:
            return ended - outcome.times.queued >= least_of(options, cause.timeout);
        case Mechanism::protocol:
            if (cause.party == Party::application) {
                return call == nullptr || call->asked_nonsense ||
                       call->gave_up == Mechanism::protocol;
            }
            return file.is_raw(attempt.key.first);
        case Mechanism::refused:
            return cause.party == Party::peer && has(evidence.connect_errors, {ECONNREFUSED});
        case Mechanism::unreachable:
            return cause.party == Party::network &&
                   (has(evidence.connect_errors, {EHOSTUNREACH, ETIMEDOUT}) ||
                    (wire != nullptr ? gave_up(*wire) : is_of_any_wire(file, cause, gave_up)));
        case Mechanism::tls:
            return wire != nullptr ? has_failed(*wire) : is_of_any_wire(file, cause, has_failed);
        case Mechanism::cancelled:
            // What stops a proxy's handler stops its two halves at once, and either may say why.
            return call == nullptr || call->gave_up == Mechanism::cancelled ||
                   (call->from_proxy && call->gave_up != Mechanism::none) ||
                   outcome.receive.discarded > options.drain_octets_max;
        case Mechanism::deadline: return call != nullptr && ended >= call->began + call->limit;
        case Mechanism::source_error:
        case Mechanism::sink_error: return call != nullptr && call->gave_up == cause.mechanism;
        case Mechanism::drain: return evidence.client_closed_at <= ended;
        case Mechanism::limit:
            if (cause.party == Party::local_resource && is_assigned(outcome)) {
                return wire != nullptr && wire->client.starved_at <= ended;
            }
            return cause.party == Party::local_resource || is_too_much(file, attempt, options) ||
                   file.is_raw(attempt.key.first);
        case Mechanism::internal: return false;
    }
    return false;
}

bool is_proven(const CaseFile& file, const ExchangeKey& key, const Told& told) {
    const Outcome& outcome = told.outcome;
    const Cause& cause = outcome.cause;
    const Handling* const handling = file.handling_of(key);
    const WireConnection* const wire = file.wire_of(key);
    switch (cause.mechanism) {
        case Mechanism::none: return true;
        case Mechanism::fin:
        case Mechanism::reset:
            return cause.party == Party::peer && wire != nullptr &&
                   peer_left(file, wire->server, wire->client, cause.mechanism, told.at);
        case Mechanism::timeout: return cause.party == Party::peer;
        case Mechanism::protocol:
            if (cause.party == Party::application) {
                return handling != nullptr &&
                       (!handling->declared || handling->sent.octets != *handling->declared ||
                        handling->aborted);
            }
            return file.is_raw(key.first);  // No client of ours does.
        case Mechanism::unreachable:
            return cause.party == Party::network && wire != nullptr && wire->server.gave_up;
        case Mechanism::cancelled: return cause.party == Party::local_resource;
        case Mechanism::source_error:
        case Mechanism::internal:
            return cause.party == Party::application && handling != nullptr &&
                   (handling->at == Host::store || handling->threw || handling->aborted ||
                    handling->sent.failed || !handling->sent.ended);
        case Mechanism::drain: return file.evidence.drained_at <= told.at;
        case Mechanism::limit:
            return cause.party != Party::local_resource ||
                   (wire != nullptr && wire->server.starved_at <= told.at);
        case Mechanism::tls:
            return wire != nullptr &&
                   is_tls_proven(file, cause, *wire, wire->server, wire->client, told.at);
        case Mechanism::refused:
        case Mechanism::deadline:
        case Mechanism::sink_error: return false;
    }
    return false;
}

// Whether a reset had ended the exchange by then. It does where it fails a send; a reader, who may
// be slow, meets it behind all octets that came before it, and these may be the whole answer.
bool reset_ended(const Outcome& outcome, const WireEnd& wire, std::uint64_t received, Instant by) {
    const http::SendFacts& send = outcome.send;
    if (wire.send_failed_at < by && send.phase != http::SendPhase::all_accepted && !send.stopped) {
        return true;
    }
    const Instant last_read =
        outcome.times.last_byte_in == never ? Instant::min() : outcome.times.last_byte_in;
    return wire.reset_seen_at < by && last_read < wire.reset_seen_at && received == wire.delivered;
}

}  // namespace

void check_cause_proven(const CaseFile& file, Found& found) {
    const http::ClientOptions options = client_options_of(file.script);
    for (const Attempt& attempt : file.attempts) {
        if (!is_proven(file, attempt, options)) {
            found.push_back(at(attempt.key) + "its client blames " + words(attempt.outcome->cause));
        }
        const Outcome& outcome = *attempt.outcome;
        const bool is_complete = outcome.receive.phase == http::ReceivePhase::complete;
        if (!outcome.cause && !is_complete && attempt.told != nullptr) {
            found.push_back(at(attempt.key) + "its client blames nobody");
        }
    }
    for (const auto& [key, told] : file.servers) {
        if (!is_proven(file, key, *told)) {
            found.push_back(at(key) + "its server blames " + words(told->outcome.cause));
        }
    }
}

void check_ends_vouched_for(const CaseFile& file, Found& found) {
    if (!file.script.over_tls) {
        return;
    }
    const auto check = [&](const ExchangeKey& key, const Outcome& outcome, Instant at) {
        const WireConnection* const wire = file.wire_of(key);
        const bool is_client = outcome.side == http::Side::client;
        const Instant heard = wire == nullptr ? never
                              : is_client     ? wire->client.goodbye_heard_at
                                              : wire->server.goodbye_heard_at;
        const bool is_end = outcome.receive.end == http::StreamEnd::fin ||
                            outcome.send.confirmation == http::Confirmation::orderly_close;
        if (is_end && heard > at) {
            found.push_back(campaign::at(key) + "an end in good order, and nobody said goodbye");
        }
    };
    for (const Attempt& attempt : file.attempts) {
        check(attempt.key, *attempt.outcome, attempt.outcome->times.ended);
    }
    for (const auto& [key, told] : file.servers) {
        check(key, told->outcome, told->at);
    }
}

void check_cause_first(const CaseFile& file, Found& found) {
    std::map<std::uint16_t, std::uint64_t> received;
    for (const Attempt& attempt : file.attempts) {
        if (is_assigned(*attempt.outcome)) {
            received[attempt.key.first] += attempt.outcome->receive.wire();
        }
    }
    for (const Attempt& attempt : file.attempts) {
        const Call* const call = attempt.call;
        const Outcome& outcome = *attempt.outcome;
        const WireConnection* const wire = file.wire_of(attempt.key);
        if (call == nullptr || attempt.told == nullptr || call->gave_up_at == never ||
            outcome.times.ended < call->gave_up_at) {
            continue;
        }
        const bool nothing_before =
            wire == nullptr || std::min({wire->client.fin_seen_at, wire->client.reset_seen_at,
                                         wire->client.goodbye_heard_at}) > call->gave_up_at;
        const bool is_peer =
            outcome.cause.party == Party::peer && (outcome.cause.mechanism == Mechanism::fin ||
                                                   outcome.cause.mechanism == Mechanism::reset);
        if (nothing_before && is_peer) {
            found.push_back(of(*call) + "the application gave up first, and is told of " +
                            words(outcome.cause));
        }
        const bool reset_before =
            wire != nullptr && is_assigned(outcome) &&
            reset_ended(outcome, wire->client, received[attempt.key.first], call->gave_up_at);
        if (reset_before && outcome.cause.party == Party::application) {
            found.push_back(of(*call) + "reset before the application gave up, and is told of " +
                            words(outcome.cause));
        }
    }
}

}  // namespace sluice::campaign
