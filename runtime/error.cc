#include "sluice/runtime/error.h"

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/security.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice {

namespace {

Errc code_of(int os_errno) noexcept {
    switch (os_errno) {
        case ECANCELED: return Errc::cancelled;
        case ETIME:
        case ETIMEDOUT: return Errc::timed_out;
        case ECONNREFUSED: return Errc::refused;
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ENETDOWN:
        case EHOSTDOWN: return Errc::unreachable;
        case ECONNRESET:
        case ECONNABORTED:
        case EPIPE: return Errc::reset;
        case ENOENT:
        case ENOTDIR: return Errc::not_found;
        case EEXIST: return Errc::exists;
        case EACCES:
        case EPERM:
        case EROFS: return Errc::denied;
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return Errc::no_space;
        case EIO: return Errc::input_output;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
        case EADDRNOTAVAIL: return Errc::resources_exhausted;
        case EOPNOTSUPP:
        case ENOSYS: return Errc::unsupported;
        case EINVAL:
        case ENAMETOOLONG:
        case EISDIR: return Errc::invalid;
        default: return Errc::unexpected;
    }
}

}  // namespace

Error error_from_errno(int os_errno, Phase phase, std::uint64_t octets_done) noexcept {
    ensure(os_errno > 0);
    return {code_of(os_errno), phase, 0, os_errno, octets_done};
}

std::string_view describe(Errc code) noexcept {
    switch (code) {
        case Errc::none: return "no error";
        case Errc::cancelled: return "cancelled";
        case Errc::timed_out: return "timed out";
        case Errc::refused: return "connection refused";
        case Errc::unreachable: return "unreachable";
        case Errc::reset: return "connection reset";
        case Errc::end_of_stream: return "end of stream";
        case Errc::aborted: return "aborted by the other end";
        case Errc::abandoned: return "abandoned by the other end";
        case Errc::closed: return "already closed";
        case Errc::not_found: return "not found";
        case Errc::exists: return "exists already";
        case Errc::denied: return "permission denied";
        case Errc::no_space: return "no space left";
        case Errc::input_output: return "input/output error";
        case Errc::resources_exhausted: return "resources exhausted";
        case Errc::limit_exceeded: return "limit exceeded";
        case Errc::unsupported: return "not supported here";
        case Errc::invalid: return "invalid request";
        case Errc::malformed: return "not what the protocol allows";
        case Errc::cut_short: return "cut short: the stream ended without TLS's close_notify";
        case Errc::alert_received: return "the peer ended TLS with an alert";
        case Errc::alert_sent: return "we ended TLS with an alert";
        case Errc::untrusted: return "the peer's certificate does not hold";
        case Errc::unexpected: return "unexpected error";
    }
    std::unreachable();
}

std::string_view describe(Phase phase) noexcept {
    switch (phase) {
        case Phase::none: return "";
        case Phase::resolve: return "resolve";
        case Phase::connect: return "connect";
        case Phase::secure: return "secure";
        case Phase::listen: return "listen";
        case Phase::accept: return "accept";
        case Phase::receive: return "receive";
        case Phase::send: return "send";
        case Phase::shut_down: return "shut down";
        case Phase::open: return "open";
        case Phase::read: return "read";
        case Phase::write: return "write";
        case Phase::sync: return "sync";
        case Phase::rename: return "rename";
        case Phase::remove: return "remove";
        case Phase::wait: return "wait";
    }
    std::unreachable();
}

std::string describe(const Error& error) {
    std::string text;
    if (error.phase != Phase::none) {
        text.append(describe(error.phase)).append(": ");
    }
    text.append(describe(error.code));
    if (error.code == Errc::alert_received || error.code == Errc::alert_sent) {
        const auto alert = static_cast<Alert>(error.tls);
        text.append(": ").append(name(alert)).append(" (");
        text.append(std::to_string(error.tls)).append(")");
    } else if (error.code == Errc::untrusted) {
        text.append(": ").append(describe(static_cast<Flaw>(error.tls)));
    }
    if (error.os_errno != 0) {
        text.append(" (").append(std::strerror(error.os_errno)).append(")");
    }
    if (error.octets_done != 0) {
        text.append(" after ").append(std::to_string(error.octets_done)).append(" octets");
    }
    return text;
}

}  // namespace sluice
