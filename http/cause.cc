#include "sluice/http/cause.h"

#include "sluice/runtime/security.h"

namespace sluice::http {

std::string_view name(Party party) noexcept {
    switch (party) {
        case Party::none: return "none";
        case Party::peer: return "peer";
        case Party::application: return "application";
        case Party::local_resource: return "local_resource";
        case Party::network: return "network";
    }
    return {};
}

std::string_view name(Mechanism mechanism) noexcept {
    switch (mechanism) {
        case Mechanism::none: return "none";
        case Mechanism::fin: return "fin";
        case Mechanism::reset: return "reset";
        case Mechanism::timeout: return "timeout";
        case Mechanism::protocol: return "protocol";
        case Mechanism::refused: return "refused";
        case Mechanism::unreachable: return "unreachable";
        case Mechanism::tls: return "tls";
        case Mechanism::cancelled: return "cancelled";
        case Mechanism::deadline: return "deadline";
        case Mechanism::source_error: return "source_error";
        case Mechanism::sink_error: return "sink_error";
        case Mechanism::drain: return "drain";
        case Mechanism::limit: return "limit";
        case Mechanism::internal: return "internal";
    }
    return {};
}

std::string_view name(ExchangePhase phase) noexcept {
    switch (phase) {
        case ExchangePhase::none: return "none";
        case ExchangePhase::resolve: return "resolve";
        case ExchangePhase::connect: return "connect";
        case ExchangePhase::tls: return "tls";
        case ExchangePhase::pool_wait: return "pool_wait";
        case ExchangePhase::send_head: return "send_head";
        case ExchangePhase::send_body: return "send_body";
        case ExchangePhase::continue_wait: return "continue_wait";
        case ExchangePhase::first_byte: return "first_byte";
        case ExchangePhase::head: return "head";
        case ExchangePhase::body: return "body";
        case ExchangePhase::handler: return "handler";
        case ExchangePhase::idle: return "idle";
        case ExchangePhase::linger: return "linger";
    }
    return {};
}

std::string_view name(TimeoutKind kind) noexcept {
    switch (kind) {
        case TimeoutKind::none: return "none";
        case TimeoutKind::resolve: return "resolve";
        case TimeoutKind::connect: return "connect";
        case TimeoutKind::tls: return "tls";
        case TimeoutKind::pool_wait: return "pool_wait";
        case TimeoutKind::continue_wait: return "continue_wait";
        case TimeoutKind::head: return "head";
        case TimeoutKind::first_byte: return "first_byte";
        case TimeoutKind::between_bytes: return "between_bytes";
        case TimeoutKind::minimum_rate: return "minimum_rate";
        case TimeoutKind::stall: return "stall";
        case TimeoutKind::idle: return "idle";
        case TimeoutKind::linger: return "linger";
        case TimeoutKind::drain: return "drain";
        case TimeoutKind::handler: return "handler";
        case TimeoutKind::total: return "total";
    }
    return {};
}

std::string_view name(TlsEvent event) noexcept {
    switch (event) {
        case TlsEvent::none: return "none";
        case TlsEvent::cut_short: return "cut_short";
        case TlsEvent::malformed: return "malformed";
        case TlsEvent::alert_received: return "alert_received";
        case TlsEvent::alert_sent: return "alert_sent";
        case TlsEvent::untrusted: return "untrusted";
    }
    return {};
}

std::string_view tls_detail_of(const Cause& cause) noexcept {
    switch (cause.tls) {
        case TlsEvent::none:
        case TlsEvent::cut_short:
        case TlsEvent::malformed: break;
        case TlsEvent::alert_received:
        case TlsEvent::alert_sent: return name(static_cast<Alert>(cause.tls_detail));
        case TlsEvent::untrusted: return name(static_cast<Flaw>(cause.tls_detail));
    }
    return {};
}

}  // namespace sluice::http
