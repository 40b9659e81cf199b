#include "sluice/tests/simulation/wiretap.h"

#include <poll.h>

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

int Wiretap::take_error(int fd) noexcept {
    const int error = real().take_error(fd);
    if (WireEnd* const end = end_of(fd); end != nullptr && error != 0) {
        failed(*end, -error);
    }
    return error;
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
            tell_ledger(*end, *send, static_cast<std::size_t>(result));
            end->accepted += static_cast<std::uint64_t>(result);
        } else if (end != nullptr && failed(*end, result)) {
            end->send_failed_at = std::min(end->send_failed_at, now());
        } else if (end != nullptr && result == -ENOBUFS) {
            end->starved_at = std::min(end->starved_at, now());
        }
    } else if (const auto* const poll = std::get_if<Poll>(&request)) {
        // Who reads no more learns of a reset by this alone.
        WireEnd* const end = end_of(poll->fd);
        if (end != nullptr && result > 0 && (result & POLLERR) != 0) {
            end->reset_seen_at = std::min(end->reset_seen_at, now());
        }
    } else if (const auto* const receive = std::get_if<Receive>(&request)) {
        WireEnd* const end = end_of(receive->fd);
        if (end != nullptr && result > 0) {
            end->delivered += static_cast<std::uint64_t>(result);
            listen_for_goodbye(*end);
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
    end.is_server = !is_client;
    end.client_port = client_port;
    end.fd = fd;
    end.opened_at = now();
    ends_[fd] = &end;
    return end;
}

WireConnection Wiretap::in_plaintext(const WireConnection& connection) const {
    WireConnection told = connection;
    if (ledger_ == nullptr) {
        return told;
    }
    for (WireEnd* const end : {&told.client, &told.server}) {
        const bool is_server = end == &told.server;
        const auto sent = [&](std::uint64_t octets) {
            return ledger_->plaintext_within(told.opening, is_server, octets);
        };
        end->accepted = sent(end->accepted);
        end->acknowledged = sent(end->acknowledged);
        end->delivered = ledger_->plaintext_within(told.opening, !is_server,
                                                   std::min(end->delivered, end->spoiled_from));
    }
    return told;
}

void Wiretap::spoil(int fd, std::uint64_t from_octet) noexcept {
    if (WireEnd* const end = end_of(fd)) {
        end->spoiled_from = std::min(end->spoiled_from, from_octet);
    }
}

void Wiretap::tell_ledger(const WireEnd& end, const Send& send, std::size_t octets) {
    if (ledger_ == nullptr) {
        return;
    }
    WireConnection& connection = connections_[end.client_port];
    std::string& opening = connection.opening;
    for (const iovec& part : send.parts) {
        const std::size_t accepted = std::min(part.iov_len, octets);
        octets -= accepted;
        const auto* const from = static_cast<const char*>(part.iov_base);
        const std::size_t missing = tests::RecordLedger::opening_octets - opening.size();
        if (missing > 0 && !end.is_server) {
            const std::string before = opening;
            opening.append(from, std::min(accepted, missing));
            ledger_->given(opening, false, std::as_bytes(std::span(before)));
        }
        ledger_->given(opening, end.is_server, std::as_bytes(std::span(from, accepted)));
    }
    // Who reads may have been given it before.
    WireEnd& other = end.is_server ? connection.client : connection.server;
    if (other.is_known) {
        listen_for_goodbye(other);
    }
}

void Wiretap::listen_for_goodbye(WireEnd& end) noexcept {
    if (ledger_ == nullptr || end.goodbye_heard_at != never) {
        return;
    }
    const std::string& opening = connections_[end.client_port].opening;
    const auto goodbye_end = ledger_->goodbye_end(opening, !end.is_server);
    if (goodbye_end && *goodbye_end <= std::min(end.delivered, end.spoiled_from)) {
        end.goodbye_heard_at = now();
    }
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
