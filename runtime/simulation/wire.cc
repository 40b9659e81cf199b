#include "sluice/runtime/simulation/wire.h"

#include "sluice/runtime/ensure.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::simulation {

namespace {

// How long Linux keeps an orphan that waits for a FIN (tcp_fin_timeout).
constexpr Duration forget_orphan_after{60'000'000'000};

}  // namespace

ConnectionId Wire::begin(const Endpoint& client, const Endpoint& server, const Path& to_server,
                         const Path& to_client) {
    const ConnectionId id = begun_++;
    Connection& connection = connections_[id];
    connection.ends[index_of(Side::client)].at = client;
    connection.ends[index_of(Side::server)].at = server;
    connection.pipes[index_of(Direction::to_server)].path = to_server;
    connection.pipes[index_of(Direction::to_client)].path = to_client;
    for (Pipe& pipe : connection.pipes) {
        pipe.window_end = options_.receive_buffer_octets;
    }
    for (const Direction direction : {Direction::to_server, Direction::to_client}) {
        connection.pipes[index_of(direction)].cut = faults_.cut_of(id, direction);
    }
    return id;
}

void Wire::establish(EndId id, Instant reply_arrives) {
    End& established = end(id);
    established.established = true;
    Pipe& sends = connections_.at(id.connection).pipes[index_of(sent_by(id.side))];
    sends.last_arrival = std::max(sends.last_arrival, reply_arrives);
    tell(established);
    transmit(id.connection, sent_by(id.side));
}

void Wire::abandon(EndId id, int os_errno) noexcept {
    End& abandoned = end(id);
    abandoned.refusal = os_errno;
    abandoned.dead = true;
    tell(abandoned);
    for (End& each : connections_.at(id.connection).ends) {
        each.dead = true;
        each.orphan |= each.fd < 0;
    }
    forget_if_over(id.connection);
}

bool Wire::is_used(const Endpoint& client, const Endpoint& server) const noexcept {
    return std::ranges::any_of(connections_, [&](const auto& each) {
        const auto& ends = each.second.ends;
        return ends[index_of(Side::client)].at == client && !ends[index_of(Side::client)].dead &&
               ends[index_of(Side::server)].at == server;
    });
}

std::int32_t Wire::receive(EndId id, std::span<std::byte> into) noexcept {
    End& receiver = end(id);
    const Direction direction = reverse(sent_by(id.side));
    Pipe& pipe = connections_.at(id.connection).pipes[index_of(direction)];
    if (!receiver.established) {
        return receiver.dead ? 0 : -ENOTCONN;
    }
    const std::size_t count = std::min(into.size(), std::size_t{pipe.arrived - pipe.read});
    if (count > 0) {
        std::ranges::copy(pipe.octets.all().first(count), into.begin());
        pipe.octets.pop(count);
        pipe.read += count;
        if (!receiver.dead) {
            put_packet(id.connection, sent_by(id.side), What::packet);  // The window has opened.
        }
        return static_cast<std::int32_t>(count);
    }
    if (receiver.fin_received) {
        return 0;
    }
    if (receiver.error != 0) {
        return -std::exchange(receiver.error, 0);
    }
    return receiver.dead ? 0 : -EAGAIN;
}

std::int32_t Wire::send(EndId id, std::span<const std::byte> from) noexcept {
    End& sender = end(id);
    Pipe& pipe = connections_.at(id.connection).pipes[index_of(sent_by(id.side))];
    if (sender.error != 0) {
        return -std::exchange(sender.error, 0);
    }
    if (sender.dead || sender.sending_shut) {
        return -EPIPE;
    }
    if (!sender.established) {
        return -ENOTCONN;
    }
    const std::uint64_t used = pipe.accepted - pipe.acknowledged;
    const std::uint64_t room = options_.send_buffer_octets - used;
    const std::size_t count = std::min(from.size(), std::size_t{room});
    if (count == 0) {
        return from.empty() ? 0 : -EAGAIN;
    }
    if (is_acknowledged(sender, pipe)) {
        pipe.waits_since = now_;
    }
    pipe.octets.push(from.first(count));
    pipe.accepted += count;
    transmit(id.connection, sent_by(id.side));
    return static_cast<std::int32_t>(count);
}

std::uint32_t Wire::poll(EndId id) const noexcept {
    const End& polled = end(id);
    const Connection& connection = connections_.at(id.connection);
    const Pipe& in = connection.pipes[index_of(reverse(sent_by(id.side)))];
    const Pipe& out = connection.pipes[index_of(sent_by(id.side))];
    std::uint32_t events = 0;
    if (!polled.established && !polled.dead) {
        return events;
    }
    if (polled.dead || (polled.sending_shut && polled.fin_received)) {
        events |= POLLHUP;
    }
    if (polled.dead || polled.fin_received) {
        events |= POLLIN | POLLRDNORM | POLLRDHUP;
    }
    if (in.arrived > in.read) {
        events |= POLLIN | POLLRDNORM;
    }
    const std::uint64_t used = out.accepted - out.acknowledged;
    if (polled.dead || polled.sending_shut || used * 3 <= options_.send_buffer_octets * 2) {
        events |= POLLOUT | POLLWRNORM;
    }
    if (polled.error != 0) {
        events |= POLLERR;
    }
    return events;
}

std::size_t Wire::unread(EndId id) const noexcept {
    const Connection& connection = connections_.at(id.connection);
    const Pipe& in = connection.pipes[index_of(reverse(sent_by(id.side)))];
    return std::size_t{in.arrived - in.read};
}

bool Wire::refuses_to_send(EndId id) const noexcept {
    const End& asked = end(id);
    return asked.error != 0 || asked.dead || asked.sending_shut || !asked.established;
}

std::int32_t Wire::connected(EndId id) const noexcept {
    const End& connecting = end(id);
    if (connecting.refusal != 0) {
        return -connecting.refusal;
    }
    return connecting.established ? 0 : -EINPROGRESS;
}

void Wire::shut_down_sending(EndId id) noexcept {
    End& shut = end(id);
    if (shut.dead || !shut.established || shut.sending_shut) {
        return;
    }
    begin_to_shut(shut, connections_.at(id.connection).pipes[index_of(sent_by(id.side))]);
    tell(shut);
    transmit(id.connection, sent_by(id.side));
}

void Wire::begin_to_shut(End& sender, Pipe& pipe) noexcept {
    if (is_acknowledged(sender, pipe)) {
        pipe.waits_since = now_;
    }
    sender.sending_shut = true;
}

void Wire::close(EndId id, Ending ending) noexcept {
    End& closed = end(id);
    closed.fd = -1;
    closed.orphan = true;
    Connection& connection = connections_.at(id.connection);
    Pipe& out = connection.pipes[index_of(sent_by(id.side))];
    const Pipe& in = connection.pipes[index_of(reverse(sent_by(id.side)))];
    const bool over = closed.sending_shut && closed.fin_received && out.fin_transmitted;
    const bool resets = ending == Ending::reset ? !over : in.arrived > in.read;
    if (!closed.dead && closed.established && resets) {
        die(closed, out, 0);
        put_packet(id.connection, sent_by(id.side), What::reset);
    } else if (!closed.dead && closed.established) {
        begin_to_shut(closed, out);
        transmit(id.connection, sent_by(id.side));
        if (out.fin_acknowledged && !closed.fin_received) {
            agenda_.put(now_ + forget_orphan_after, {.what = What::forget_orphan,
                                                     .connection = id.connection,
                                                     .direction = sent_by(id.side)});
        }
    } else {
        closed.dead = true;
    }
    forget_if_over(id.connection);
}

SocketState Wire::state(EndId id) const noexcept {
    const End& asked = end(id);
    const Pipe& out = connections_.at(id.connection).pipes[index_of(sent_by(id.side))];
    const bool fin_is_out = asked.sending_shut && !out.fin_acknowledged;
    return {.acknowledged = out.acknowledged,
            .unacknowledged = out.accepted - out.acknowledged + (fin_is_out ? 1 : 0),
            .finished_by_peer = asked.fin_received && !asked.sending_shut && !asked.dead,
            .closed = asked.dead || (asked.fin_received && out.fin_acknowledged)};
}

Instant Wire::next_at() noexcept {
    while (!agenda_.empty() && is_stale(agenda_.next())) {
        const Event stale = agenda_.take();
        if (stale.what == What::give_up && known(stale.connection)) {
            connections_.at(stale.connection).pipes[index_of(stale.direction)].looks_at = never;
        }
    }
    return agenda_.empty() ? never : agenda_.next_at();
}

void Wire::advance(Instant now) noexcept {
    while (next_at() <= now) {
        now_ = std::max(now_, agenda_.next_at());
        happen(agenda_.take());
    }
    now_ = std::max(now_, now);
}

Duration Wire::latency(ConnectionId id, Direction direction) noexcept {
    const Path& path = connections_.at(id).pipes[index_of(direction)].path;
    const auto least = static_cast<std::uint64_t>(path.latency_min.count());
    const auto most = static_cast<std::uint64_t>(path.latency_max.count());
    return Duration(
        static_cast<std::int64_t>(least == most ? least : random_.between(least, most)));
}

Wire::End& Wire::end(EndId id) noexcept {
    return connections_.at(id.connection).ends[index_of(id.side)];
}

const Wire::End& Wire::end(EndId id) const noexcept {
    return connections_.at(id.connection).ends[index_of(id.side)];
}

// Sends what the window allows, in segments, and the FIN behind the last octet.
void Wire::transmit(ConnectionId id, Direction direction) noexcept {
    Connection& connection = connections_.at(id);
    const End& sender = connection.ends[index_of(sender_of(direction))];
    Pipe& pipe = connection.pipes[index_of(direction)];
    while (sender.established && !sender.dead && !pipe.severed) {
        std::uint64_t count =
            std::min({pipe.accepted - pipe.transmitted, pipe.window_end - pipe.transmitted,
                      std::uint64_t{options_.segment_octets_max}});
        if (pipe.cut) {
            count = std::min(count, pipe.cut->after_octets - pipe.transmitted);
        }
        if (count > 0 && random_.chance(options_.cut_segment_percent)) {
            count = random_.between(1, count);
        }
        pipe.transmitted += count;
        if (count > 0) {
            put_packet(id, direction, What::packet, count);
        }
        if (pipe.cut && pipe.cut->after_octets == pipe.transmitted) {
            begin_cut(id, direction);
        }
        if (count == 0) {
            break;
        }
    }
    const bool all_transmitted = pipe.accepted == pipe.transmitted;
    if (sender.established && !sender.dead && !pipe.severed && sender.sending_shut &&
        all_transmitted && pipe.window_end > pipe.transmitted &&
        !std::exchange(pipe.fin_transmitted, true)) {
        put_packet(id, direction, What::fin);
    }
    expect_to_give_up(id, direction);
}

void Wire::begin_cut(ConnectionId id, Direction direction) noexcept {
    Pipe& pipe = connections_.at(id).pipes[index_of(direction)];
    const CutKind kind = pipe.cut->kind;
    faults_.cut_happens(*pipe.cut);
    pipe.cut.reset();
    if (kind == CutKind::silence) {
        fall_silent(id, direction);
        return;
    }
    pipe.severed = true;
    agenda_.put(std::max(pipe.last_arrival, now_),
                {.what = What::cut, .connection = id, .direction = direction, .cut = kind});
}

void Wire::put_packet(ConnectionId id, Direction direction, What what,
                      std::uint64_t octets) noexcept {
    Connection& connection = connections_.at(id);
    Pipe& pipe = connection.pipes[index_of(direction)];
    if (pipe.silent || (pipe.severed && what != What::reset)) {
        expect_to_give_up(id, direction);
        expect_to_give_up(id, reverse(direction));
        return;
    }
    const Pipe& other = connection.pipes[index_of(reverse(direction))];
    const End& sender = connection.ends[index_of(sender_of(direction))];
    Instant departs = std::max(now_, pipe.free_at);
    if (pipe.path.octets_per_second > 0) {
        const std::uint64_t time = octets * 1'000'000'000 / pipe.path.octets_per_second;
        departs += Duration(static_cast<std::int64_t>(time));
        pipe.free_at = departs;
    }
    pipe.last_arrival = std::max(pipe.last_arrival, departs + latency(id, direction));
    agenda_.put(pipe.last_arrival, {.what = what,
                                    .connection = id,
                                    .direction = direction,
                                    .end = pipe.transmitted,
                                    .acknowledged = other.arrived,
                                    .window_end = other.read + options_.receive_buffer_octets,
                                    .fin_acknowledged = sender.fin_received});
}

bool Wire::is_stale(const Event& event) const noexcept {
    const auto found = connections_.find(event.connection);
    if (found == connections_.end()) {
        return true;
    }
    const End& sender = found->second.ends[index_of(sender_of(event.direction))];
    switch (event.what) {
        case What::packet:
        case What::fin:
        case What::reset:
        case What::cut: return false;
        case What::give_up: return gives_up_at(event.connection, event.direction) == never;
        case What::forget_orphan: return sender.dead;
    }
    return false;
}

void Wire::happen(const Event& event) noexcept {
    Connection& connection = connections_.at(event.connection);
    End& sender = connection.ends[index_of(sender_of(event.direction))];
    End& receiver = connection.ends[index_of(receiver_of(event.direction))];
    Pipe& pipe = connection.pipes[index_of(event.direction)];
    switch (event.what) {
        case What::packet:
        case What::fin: packet_arrives(event); break;
        case What::reset:
            reset_arrives(receiver, connection.pipes[index_of(reverse(event.direction))]);
            break;
        case What::cut: cut_happens(event); break;
        case What::give_up: give_up_if_due(event); break;
        case What::forget_orphan: die(sender, pipe, 0); break;
    }
    forget_if_over(event.connection);
}

void Wire::packet_arrives(const Event& packet) noexcept {
    Connection& connection = connections_.at(packet.connection);
    Pipe& pipe = connection.pipes[index_of(packet.direction)];
    Pipe& other = connection.pipes[index_of(reverse(packet.direction))];
    End& receiver = connection.ends[index_of(receiver_of(packet.direction))];
    const bool has_octets = packet.end > pipe.arrived;
    const bool is_fin = packet.what == What::fin;
    if (receiver.dead || (receiver.orphan && has_octets)) {
        if (has_octets || is_fin) {
            die(receiver, other, 0);
            put_packet(packet.connection, reverse(packet.direction), What::reset);
        }
        return;
    }
    receiver.heard_at = now_;
    if (packet.acknowledged > other.acknowledged) {
        other.acknowledged = packet.acknowledged;
        other.waits_since = now_;
    }
    other.window_end = std::max(other.window_end, packet.window_end);
    if (packet.fin_acknowledged && !std::exchange(other.fin_acknowledged, true) &&
        receiver.orphan && !receiver.fin_received) {
        agenda_.put(now_ + forget_orphan_after, {.what = What::forget_orphan,
                                                 .connection = packet.connection,
                                                 .direction = reverse(packet.direction)});
    }
    pipe.arrived = std::max(pipe.arrived, packet.end);
    receiver.fin_received |= is_fin;
    if (has_octets || is_fin) {
        put_packet(packet.connection, reverse(packet.direction), What::packet);
    }
    transmit(packet.connection, reverse(packet.direction));
    tell(receiver);
}

void Wire::reset_arrives(End& receiver, Pipe& sends) noexcept {
    if (receiver.dead) {
        return;
    }
    const bool in_close_wait = receiver.fin_received && !receiver.sending_shut;
    die(receiver, sends, in_close_wait ? EPIPE : ECONNRESET);
}

void Wire::cut_happens(const Event& event) noexcept {
    Connection& connection = connections_.at(event.connection);
    End& sender = connection.ends[index_of(sender_of(event.direction))];
    End& receiver = connection.ends[index_of(receiver_of(event.direction))];
    Pipe& pipe = connection.pipes[index_of(event.direction)];
    Pipe& other = connection.pipes[index_of(reverse(event.direction))];
    if (event.cut == CutKind::fin) {
        receiver.fin_received = true;
        tell(receiver);
    } else {
        other.severed = true;
        reset_arrives(receiver, other);
    }
    // The sender's end hears of it one way later, past a silence too: what cut it stands between.
    if (!sender.dead) {
        other.last_arrival = std::max(other.last_arrival,
                                      now_ + latency(event.connection, reverse(event.direction)));
        agenda_.put(other.last_arrival, {.what = What::reset,
                                         .connection = event.connection,
                                         .direction = reverse(event.direction)});
    }
    pipe.severed = true;
}

void Wire::die(End& dying, Pipe& sends, int os_errno) noexcept {
    dying.dead = true;
    dying.error = os_errno;
    sends.severed = true;
    // What was accepted and not transmitted is gone.
    sends.octets.keep(std::size_t{sends.transmitted - sends.read});
    tell(dying);
}

void Wire::forget_if_over(ConnectionId id) noexcept {
    const Connection& connection = connections_.at(id);
    bool over = true;
    for (const Side side : {Side::client, Side::server}) {
        const End& each = connection.ends[index_of(side)];
        const Pipe& sends = connection.pipes[index_of(sent_by(side))];
        const bool finished = each.fin_received && sends.fin_acknowledged;
        over = over && each.orphan && (each.dead || finished);
    }
    if (over) {
        connections_.erase(id);
    }
}

void Wire::tell(const End& changed) noexcept {
    if (changed.fd >= 0) {
        observer_.changed(changed.fd);
    }
}

}  // namespace sluice::simulation
