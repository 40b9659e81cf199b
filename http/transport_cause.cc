#include "sluice/http/transport_cause.h"

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
        case PeerEnd::reset: return StreamEnd::reset;
    }
    std::unreachable();
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

Cause send_cause(const sluice::Error& error, const Outcome& outcome) noexcept {
    // ETIMEDOUT is TCP that gave up; without an errno it is our own stall limit.
    const bool gave_up = error.code == sluice::Errc::timed_out && error.os_errno != 0;
    const auto [party, mechanism] =
        gave_up ? std::pair(Party::network, Mechanism::unreachable) : blamed(error.code);
    const bool stalled = mechanism == Mechanism::timeout;
    return {party, mechanism, sending_phase_of(outcome),
            stalled ? TimeoutKind::stall : TimeoutKind::none, error.os_errno};
}

Cause receive_cause(const sluice::Error& error, ExchangePhase phase, TimeoutKind timeout) noexcept {
    const bool gave_up = error.code == sluice::Errc::timed_out && error.os_errno != 0;
    const auto [party, mechanism] =
        gave_up ? std::pair(Party::network, Mechanism::unreachable) : blamed(error.code);
    return {party, mechanism, phase, mechanism == Mechanism::timeout ? timeout : TimeoutKind::none,
            error.os_errno};
}

}  // namespace sluice::http
