#include "sluice/http/transport_cause.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace sluice::http {

namespace {

std::pair<Party, Mechanism> blamed(sluice::Errc code) noexcept {
    switch (code) {
        case sluice::Errc::end_of_stream: return {Party::peer, Mechanism::fin};
        case sluice::Errc::reset:
        case sluice::Errc::aborted:
        case sluice::Errc::abandoned:
        case sluice::Errc::closed: return {Party::peer, Mechanism::reset};
        case sluice::Errc::timed_out: return {Party::peer, Mechanism::timeout};
        case sluice::Errc::refused: return {Party::peer, Mechanism::refused};
        case sluice::Errc::unreachable: return {Party::network, Mechanism::unreachable};
        case sluice::Errc::cancelled: return {Party::local_resource, Mechanism::cancelled};
        case sluice::Errc::limit_exceeded: return {Party::peer, Mechanism::limit};
        case sluice::Errc::resources_exhausted: return {Party::local_resource, Mechanism::limit};
        case sluice::Errc::malformed:
        case sluice::Errc::cut_short:
        case sluice::Errc::alert_received:
        case sluice::Errc::alert_sent:
        case sluice::Errc::untrusted: return {Party::peer, Mechanism::tls};
        case sluice::Errc::none:
        case sluice::Errc::not_found:
        case sluice::Errc::exists:
        case sluice::Errc::denied:
        case sluice::Errc::no_space:
        case sluice::Errc::input_output:
        case sluice::Errc::unsupported:
        case sluice::Errc::invalid:
        case sluice::Errc::unexpected: return {Party::local_resource, Mechanism::internal};
    }
    std::unreachable();
}

TlsEvent tls_event_of(sluice::Errc code) noexcept {
    switch (code) {
        case sluice::Errc::cut_short: return TlsEvent::cut_short;
        case sluice::Errc::malformed: return TlsEvent::malformed;
        case sluice::Errc::alert_received: return TlsEvent::alert_received;
        case sluice::Errc::alert_sent: return TlsEvent::alert_sent;
        case sluice::Errc::untrusted: return TlsEvent::untrusted;
        default: return TlsEvent::none;
    }
}

Cause cause_of(const sluice::Error& error, ExchangePhase phase, TimeoutKind timeout) noexcept {
    const auto [party, mechanism] =
        is_lost(error) ? std::pair(Party::network, Mechanism::unreachable) : blamed(error.code);
    return {party,
            mechanism,
            phase,
            mechanism == Mechanism::timeout ? timeout : TimeoutKind::none,
            static_cast<std::int16_t>(error.os_errno),
            tls_event_of(error.code),
            error.tls};
}

// Neither counter of such a size is worth more room in every record.
std::uint32_t difference(std::uint64_t larger, std::uint64_t smaller) noexcept {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(larger - std::min(larger, smaller), most));
}

}  // namespace

StreamEnd stream_end_of(sluice::Errc code) noexcept {
    switch (blamed(code).second) {
        case Mechanism::fin: return StreamEnd::fin;
        case Mechanism::tls: return StreamEnd::cut;
        default: return StreamEnd::reset;
    }
}

StreamEnd stream_end_of(PeerEnd end) noexcept {
    switch (end) {
        case PeerEnd::none: return StreamEnd::open;
        case PeerEnd::fin: return StreamEnd::fin;
        case PeerEnd::cut: return StreamEnd::cut;
        case PeerEnd::reset:
        case PeerEnd::lost: return StreamEnd::reset;
    }
    std::unreachable();
}

bool is_lost(const sluice::Error& error) noexcept {
    return error.code == sluice::Errc::unreachable ||
           (error.code == sluice::Errc::timed_out && error.os_errno != 0);
}

Mechanism mechanism_of(StreamEnd end) noexcept {
    switch (end) {
        case StreamEnd::open: return Mechanism::internal;
        case StreamEnd::fin: return Mechanism::fin;
        case StreamEnd::cut: return Mechanism::tls;
        case StreamEnd::reset: return Mechanism::reset;
    }
    std::unreachable();
}

Cause cause_of(PeerEnd end, ExchangePhase phase) noexcept {
    if (end == PeerEnd::lost) {
        return {Party::network, Mechanism::unreachable, phase};
    }
    Cause cause{Party::peer, mechanism_of(stream_end_of(end)), phase};
    if (end == PeerEnd::cut) {
        cause.tls = TlsEvent::cut_short;
    } else if (end == PeerEnd::reset) {
        cause.os_errno = ECONNRESET;  // As who reads is told, whichever of the two comes first.
    }
    return cause;
}

ExchangePhase sending_phase_of(const Outcome& outcome) noexcept {
    switch (outcome.send.phase) {
        case SendPhase::unassigned:
        case SendPhase::assigned:
        case SendPhase::head_partial: return ExchangePhase::send_head;
        case SendPhase::head_sent:
        case SendPhase::body_partial: return ExchangePhase::send_body;
        case SendPhase::all_accepted: return ExchangePhase::linger;
    }
    std::unreachable();
}

void note_tls(const Transport& transport, Outcome& outcome) noexcept {
    const SecurityFacts* const facts = transport.security();
    const std::optional<WireOctets> wire = transport.wire_octets();
    if (facts == nullptr || !wire) {
        return;
    }
    outcome.connection.tls = facts->version;
    outcome.connection.resumed = facts->is_resumed;
    outcome.send.tls_added = difference(wire->sent, wire->plaintext_sent);
    outcome.receive.tls_added = difference(wire->received, wire->plaintext_received);
}

sluice::Error tls_error_of(const Cause& cause) noexcept {
    sluice::Error error{sluice::Errc::malformed, sluice::Phase::receive, cause.tls_detail};
    error.phase = cause.phase == ExchangePhase::tls ? sluice::Phase::secure : error.phase;
    switch (cause.tls) {
        case TlsEvent::none:
        case TlsEvent::malformed: break;
        case TlsEvent::cut_short: error.code = sluice::Errc::cut_short; break;
        case TlsEvent::alert_received: error.code = sluice::Errc::alert_received; break;
        case TlsEvent::alert_sent: error.code = sluice::Errc::alert_sent; break;
        case TlsEvent::untrusted: error.code = sluice::Errc::untrusted; break;
    }
    return error;
}

Cause send_cause(const sluice::Error& error, const Outcome& outcome) noexcept {
    return cause_of(error, sending_phase_of(outcome), TimeoutKind::stall);
}

Cause receive_cause(const sluice::Error& error, ExchangePhase phase, TimeoutKind timeout) noexcept {
    return cause_of(error, phase, timeout);
}

}  // namespace sluice::http
