#include "sluice/runtime/simulation/fault.h"

#include <cstdio>
#include <cstring>

namespace sluice::simulation {

namespace {

const char* name_of(FaultKind kind) {
    switch (kind) {
        case FaultKind::reset: return "reset";
        case FaultKind::fin: return "fin";
        case FaultKind::silence: return "silence";
        case FaultKind::no_port: return "no_port";
        case FaultKind::refused: return "refused";
        case FaultKind::unreachable: return "unreachable";
        case FaultKind::unanswered: return "unanswered";
        case FaultKind::no_socket: return "no_socket";
        case FaultKind::accept_error: return "accept_error";
        case FaultKind::accept_aborted: return "accept_aborted";
        case FaultKind::send_error: return "send_error";
        case FaultKind::short_send: return "short_send";
        case FaultKind::short_receive: return "short_receive";
        case FaultKind::multishot_end: return "multishot_end";
        case FaultKind::no_buffer: return "no_buffer";
        case FaultKind::stall: return "stall";
        case FaultKind::short_read: return "short_read";
        case FaultKind::short_write: return "short_write";
        case FaultKind::open_error: return "open_error";
        case FaultKind::read_error: return "read_error";
        case FaultKind::write_error: return "write_error";
        case FaultKind::sync_error: return "sync_error";
        case FaultKind::sync_lie: return "sync_lie";
        case FaultKind::name_error: return "name_error";
    }
    return "";
}

std::string what_of(const Fault& fault) {
    std::string number = " #" + std::to_string(fault.number);
    switch (fault.kind) {
        case FaultKind::reset:
        case FaultKind::fin:
        case FaultKind::silence: {
            const bool to_server = fault.direction == Direction::to_server;
            return " of connection" + number + " after " + std::to_string(fault.value) +
                   " octets to the " + (to_server ? "server" : "client");
        }
        case FaultKind::short_send:
        case FaultKind::short_receive:
        case FaultKind::short_read:
        case FaultKind::short_write:
            return number + ", of " + std::to_string(fault.value) + " octets";
        case FaultKind::accept_error:
            return number + ", " + ::strerrorname_np(accept_errors.at(fault.value));
        case FaultKind::no_port:
        case FaultKind::refused:
        case FaultKind::unreachable:
        case FaultKind::unanswered:
        case FaultKind::no_socket:
        case FaultKind::accept_aborted:
        case FaultKind::send_error:
        case FaultKind::multishot_end:
        case FaultKind::no_buffer:
        case FaultKind::stall:
        case FaultKind::open_error:
        case FaultKind::read_error:
        case FaultKind::write_error:
        case FaultKind::sync_error:
        case FaultKind::sync_lie:
        case FaultKind::name_error: return number;
    }
    return number;
}

}  // namespace

std::string describe(const Fault& fault) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.9f", static_cast<double>(fault.at.count()) / 1e9);
    return name_of(fault.kind) + what_of(fault) + ", at " + seconds + " s";
}

std::string describe(const std::vector<Fault>& script) {
    std::string text;
    for (const Fault& fault : script) {
        text += describe(fault) + "\n";
    }
    return text;
}

}  // namespace sluice::simulation
