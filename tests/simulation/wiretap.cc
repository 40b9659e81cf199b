#include "sluice/tests/simulation/wiretap.h"

#include <algorithm>
#include <cerrno>
#include <variant>

namespace sluice::campaign {

namespace {

bool is_reset(std::int32_t result) noexcept {
    return result == -ECONNRESET || result == -EPIPE || result == -ETIMEDOUT;
}

}  // namespace

const WireConnection* Wiretap::find(std::uint16_t client_port) const noexcept {
    const auto found = connections_.find(client_port);
    return found == connections_.end() ? nullptr : &found->second;
}

void Wiretap::sample(std::uint16_t client_port) noexcept {
    const auto found = connections_.find(client_port);
    if (found == connections_.end()) {
        return;
    }
    for (WireEnd* const end : {&found->second.client, &found->second.server}) {
        if (end->fd >= 0) {
            sample(end->fd, *end);
        }
    }
}

void Wiretap::shut_down_sending(int fd) noexcept {
    if (WireEnd* const end = end_of(fd)) {
        end->shut_at = std::min(end->shut_at, now());
        end->half_closed = true;
    }
    real().shut_down_sending(fd);
}

SocketState Wiretap::socket_state(int fd) noexcept {
    WireEnd* const end = end_of(fd);
    return end == nullptr ? real().socket_state(fd) : sample(fd, *end);
}

void Wiretap::close(int fd, Ending ending) noexcept {
    if (WireEnd* const end = end_of(fd)) {
        sample(fd, *end);
        end->fd = -1;
        end->closed_at = now();
        end->shut_at = std::min(end->shut_at, now());
        end->reset_by_us = ending == Ending::reset;
        ends_.erase(fd);
    }
    real().close(fd, ending);
}

bool Wiretap::completing(Relayed& operation, Completion& completion) noexcept {
    const std::int32_t result = completion.result;
    const Request& request = operation.request;
    if (const auto* const connect = std::get_if<Connect>(&request)) {
        if (result == 0) {
            open(real().local_endpoint(connect->fd).port(), true, connect->fd);
        } else if (result != -ECANCELED) {
            connect_errors_.push_back(-result);
        }
    } else if (std::holds_alternative<Accept>(request)) {
        if (result >= 0) {
            open(real().peer_endpoint(result).port(), false, result);
        }
    } else if (const auto* const send = std::get_if<Send>(&request)) {
        WireEnd* const end = end_of(send->fd);
        if (end != nullptr && result > 0) {
            end->accepted += static_cast<std::uint64_t>(result);
        } else if (end != nullptr && failed(*end, result)) {
            end->send_failed_at = std::min(end->send_failed_at, now());
        } else if (end != nullptr && result == -ENOBUFS) {
            end->starved_at = std::min(end->starved_at, now());
        }
    } else if (const auto* const receive = std::get_if<Receive>(&request)) {
        WireEnd* const end = end_of(receive->fd);
        if (end != nullptr && result > 0) {
            end->delivered += static_cast<std::uint64_t>(result);
        } else if (end != nullptr && result == 0 && !completion.more) {
            end->fin_seen_at = std::min(end->fin_seen_at, now());
            sample(receive->fd, *end);
        } else if (end != nullptr) {
            failed(*end, result);
        }
    }
    return true;
}

WireEnd* Wiretap::end_of(int fd) noexcept {
    const auto found = ends_.find(fd);
    return found == ends_.end() ? nullptr : found->second;
}

WireEnd& Wiretap::open(std::uint16_t client_port, bool is_client, int fd) noexcept {
    WireConnection& connection = connections_[client_port];
    WireEnd& end = is_client ? connection.client : connection.server;
    end.is_known = true;
    end.fd = fd;
    end.opened_at = now();
    ends_[fd] = &end;
    return end;
}

SocketState Wiretap::sample(int fd, WireEnd& end) noexcept {
    const SocketState state = real().socket_state(fd);
    end.acknowledged = std::max(end.acknowledged, state.acknowledged);
    if (state.closed && end.shut_at == never) {
        end.reset_seen_at = std::min(end.reset_seen_at, now());
    }
    return state;
}

bool Wiretap::failed(WireEnd& end, std::int32_t result) noexcept {
    if (!is_reset(result)) {
        return false;
    }
    end.reset_seen_at = std::min(end.reset_seen_at, now());
    end.gave_up |= result == -ETIMEDOUT;
    return true;
}

}  // namespace sluice::campaign
