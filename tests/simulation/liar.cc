#include "sluice/tests/simulation/liar.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <variant>

namespace sluice::campaign {

namespace {

std::size_t octets_of(std::span<const iovec> parts) noexcept {
    return std::accumulate(parts.begin(), parts.end(), std::size_t{0},
                           [](std::size_t sum, const iovec& part) { return sum + part.iov_len; });
}

// Content is what this campaign's applications make it of; heads have other octets too.
constexpr std::size_t surely_content = 2000;

}  // namespace

void Liar::let_go() noexcept {
    for (const auto& [operation, result] : std::exchange(kept_, {})) {
        release(*operation, {.result = result});
    }
}

void Liar::clean_up() noexcept {
    for (const int fd : std::exchange(open_, {})) {
        real().close(fd, sluice::Ending::orderly);
    }
}

SocketState Liar::socket_state(int fd) noexcept {
    SocketState state = real().socket_state(fd);
    if (plant_ == Plant::acknowledged_at_once) {
        state.acknowledged += state.unacknowledged;
        state.unacknowledged = 0;
    }
    if (reset_.contains(fd)) {
        state.closed = false;
        state.finished_by_peer = true;
    }
    return state;
}

void Liar::close(int fd, sluice::Ending ending) noexcept {
    if (plant_ == Plant::descriptor_kept && is_client(fd) && open_.empty()) {
        open_.push_back(fd);
        real().shut_down_sending(fd);
        return;
    }
    real().close(fd, ending);
}

bool Liar::submitting(Relayed& operation) noexcept {
    if (auto* const send = std::get_if<Send>(&operation.request)) {
        const std::size_t octets = octets_of(send->parts);
        if (plant_ == Plant::last_octet_dropped && octets > surely_content) {
            operation.parts.assign(send->parts.begin(), send->parts.end());
            auto last = std::ranges::find_if(operation.parts.rbegin(), operation.parts.rend(),
                                             [](const iovec& part) { return part.iov_len > 1; });
            if (last != operation.parts.rend()) {
                --last->iov_len;
                send->parts = operation.parts;
                shortened_[&operation] = true;
            }
        }
    }
    if (std::holds_alternative<Sync>(operation.request) && plant_ == Plant::sync_skipped) {
        operation.request = ReadStatus{std::get<Sync>(operation.request).fd, &unwanted_};
    }
    return true;
}

bool Liar::completing(Relayed& operation, Completion& completion) noexcept {
    const Request& request = operation.request;
    if (const auto* const connect = std::get_if<Connect>(&request)) {
        clients_.insert(connect->fd);
    } else if (const auto* const send = std::get_if<Send>(&request)) {
        lie_of_send(operation, completion);
        if (plant_ == Plant::completion_lost && !std::exchange(has_kept_, true)) {
            kept_.emplace_back(&operation, completion.result);
            return false;
        }
        static_cast<void>(send);
    } else if (const auto* const receive = std::get_if<Receive>(&request)) {
        lie_of_receive(receive->fd, completion);
    } else if (std::holds_alternative<Poll>(request) && plant_ == Plant::reset_told_as_fin &&
               completion.result > 0) {
        completion.result &= ~(POLLHUP | POLLERR);
    }
    return true;
}

void Liar::lie_of_send(Relayed& operation, Completion& completion) noexcept {
    const auto& send = std::get<Send>(operation.request);
    const std::size_t octets = octets_of(send.parts);
    const auto sent = static_cast<std::size_t>(std::max(completion.result, 0));
    if (shortened_.erase(&operation) > 0 && sent == octets) {
        ++completion.result;
    }
    if (plant_ == Plant::sent_but_reported_unsent && is_client(send.fd) && completion.result > 0) {
        completion.result = -ECONNRESET;
    }
}

void Liar::lie_of_receive(int fd, Completion& completion) noexcept {
    if (completion.result > 0 && plant_ == Plant::octet_altered &&
        completion.received.size() > surely_content && is_client(fd)) {
        completion.received.octets().back() ^= std::byte{1};
    }
    if (plant_ == Plant::last_octets_before_end_lost && completion.received.size() > 1 &&
        real().socket_state(fd).finished_by_peer) {
        completion.received.drop_front(1);
        --completion.result;
    }
    if (plant_ == Plant::reset_told_as_fin && completion.result == -ECONNRESET) {
        reset_.insert(fd);
        completion.result = 0;
    }
}

}  // namespace sluice::campaign
