// When an end of a silent connection gives up, as Linux's timers have it.

#include "sluice/runtime/simulation/wire.h"

#include <algorithm>
#include <cerrno>

namespace sluice::simulation {

namespace {

// How long Linux retransmits before it gives up (tcp_retries2 = 15, at the least RTO).
constexpr Duration give_up_after{924'600'000'000};

// Linux counts TCP_USER_TIMEOUT from the first retransmission, behind a tail loss probe: 6.18 on
// its loopback ended after 750 ms where the limit was 300 ms, and after 1,426 ms where it was 1 s.
constexpr Duration first_retransmission_after{430'000'000};

}  // namespace

void add_options(SocketOptions& into, const SocketOptions& given) noexcept {
    if (given.unacknowledged_max != never) {
        into.unacknowledged_max = given.unacknowledged_max;
    }
    if (given.keep_alive_after != never) {
        into.keep_alive_after = given.keep_alive_after;
        into.keep_alive_interval = given.keep_alive_interval;
        into.keep_alive_probes = given.keep_alive_probes;
    }
}

void Wire::configure(EndId id, const SocketOptions& options) noexcept {
    add_options(end(id).limits, options);
    expect_to_give_up(id.connection, sent_by(id.side));
}

void Wire::cut(ConnectionId id, Direction direction, CutKind kind) noexcept {
    if (known(id)) {
        Pipe& pipe = connections_.at(id).pipes[index_of(direction)];
        pipe.cut = Cut{static_cast<std::size_t>(id), direction, pipe.transmitted, kind};
        begin_cut(id, direction);
    }
}

void Wire::power_off(const Endpoint& host) noexcept {
    for (auto& [id, connection] : connections_) {
        const bool concerns = std::ranges::any_of(connection.ends, [&](const End& each) {
            return each.at.with_port(0) == host.with_port(0);
        });
        for (const Direction direction : {Direction::to_server, Direction::to_client}) {
            if (concerns) {
                fall_silent(id, direction);
            }
        }
    }
}

// From now on nothing that is sent there arrives: whoever waits for an answer learns it by time.
void Wire::fall_silent(ConnectionId id, Direction direction) noexcept {
    Connection& connection = connections_.at(id);
    if (connection.pipes[index_of(direction)].silent) {
        return;
    }
    connection.pipes[index_of(direction)].silent = true;
    for (const Direction each : {Direction::to_server, Direction::to_client}) {
        Pipe& pipe = connection.pipes[index_of(each)];
        pipe.waits_since = std::max(pipe.waits_since, now_);
        expect_to_give_up(id, each);
    }
}

bool Wire::is_acknowledged(const End& sender, const Pipe& pipe) noexcept {
    return pipe.acknowledged == pipe.accepted && (!sender.sending_shut || pipe.fin_acknowledged);
}

// When the sender gives up, if nothing comes until then; `never`, if it waits for nothing.
Instant Wire::gives_up_at(ConnectionId id, Direction direction) const noexcept {
    const Connection& connection = connections_.at(id);
    const End& sender = connection.ends[index_of(sender_of(direction))];
    const Pipe& pipe = connection.pipes[index_of(direction)];
    const Pipe& other = connection.pipes[index_of(reverse(direction))];
    const bool is_whole = !pipe.silent && !other.silent && !pipe.severed && !other.severed;
    if (sender.dead || !sender.established || is_whole) {
        return never;
    }
    const SocketOptions& limits = sender.limits;
    const bool has_own_limit = limits.unacknowledged_max != never;
    if (!is_acknowledged(sender, pipe)) {
        return pipe.waits_since + (has_own_limit
                                       ? limits.unacknowledged_max + first_retransmission_after
                                       : give_up_after);
    }
    if (limits.keep_alive_after == never || sender.orphan) {
        return never;
    }
    // With a limit of its own the first probe that is due past it ends it, and no count of them.
    std::int64_t probes = limits.keep_alive_probes;
    if (has_own_limit) {
        const std::int64_t interval = std::max<std::int64_t>(limits.keep_alive_interval.count(), 1);
        const std::int64_t rest = (limits.unacknowledged_max - limits.keep_alive_after).count();
        probes = std::max<std::int64_t>(1, (rest + interval - 1) / interval);
    }
    return std::max(pipe.waits_since, sender.heard_at) + limits.keep_alive_after +
           probes * limits.keep_alive_interval;
}

void Wire::expect_to_give_up(ConnectionId id, Direction direction) noexcept {
    Pipe& pipe = connections_.at(id).pipes[index_of(direction)];
    const Instant at = gives_up_at(id, direction);
    if (at < pipe.looks_at) {
        pipe.looks_at = at;
        agenda_.put(std::max(at, now_),
                    {.what = What::give_up, .connection = id, .direction = direction});
    }
}

// It may have been answered since it was expected to, or have begun to wait for something later.
void Wire::give_up_if_due(const Event& event) noexcept {
    Connection& connection = connections_.at(event.connection);
    Pipe& pipe = connection.pipes[index_of(event.direction)];
    pipe.looks_at = never;
    if (gives_up_at(event.connection, event.direction) <= now_) {
        die(connection.ends[index_of(sender_of(event.direction))], pipe, ETIMEDOUT);
    } else {
        expect_to_give_up(event.connection, event.direction);
    }
}

}  // namespace sluice::simulation
