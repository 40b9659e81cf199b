#include "sluice/runtime/simulation/network.h"

#include "sluice/runtime/ensure.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace sluice::simulation {

namespace {

// Six retries (tcp_syn_retries), of which the first comes after a second.
constexpr Duration connect_gives_up_after{127'000'000'000};
constexpr Duration synchronise_again_after{1'000'000'000};

bool is_wildcard(const Endpoint& endpoint) noexcept {
    return endpoint == Endpoint::any(endpoint.port()) ||
           endpoint == Endpoint::parse_address("::", endpoint.port());
}

// Linux takes a wildcard for the host itself.
Endpoint destination_of(const Endpoint& to) noexcept {
    if (!is_wildcard(to)) {
        return to;
    }
    return to.family() == AF_INET ? Endpoint::loopback(to.port())
                                  : *Endpoint::parse_address("::1", to.port());
}

// A socket of IPv6 names addresses of IPv4 in its own way.
Endpoint as_named_by(int family, const Endpoint& endpoint) noexcept {
    return family == AF_INET6 ? endpoint.mapped() : endpoint;
}

}  // namespace

std::int32_t Network::listen(int fd, const Endpoint& at, const ListenOptions& options) {
    if (at.family() != AF_INET && at.family() != AF_INET6) {
        return -EAFNOSUPPORT;
    }
    if (options.ipv6_only && at != at.unmapped()) {
        return -EINVAL;
    }
    Listener listener{.at = at.unmapped(),
                      .family = at.family(),
                      .backlog = static_cast<std::size_t>(std::max(options.backlog, 1)),
                      .shares_port = options.share_port,
                      .ipv6_only = options.ipv6_only,
                      .options = options.socket};
    if (!is_host(listener.at)) {
        return -EADDRNOTAVAIL;
    }
    if (at.port() == 0) {
        listener.at = listener.at.with_port(port_for(listener));
    }
    if (listener.at.port() == 0 || is_taken(listener)) {
        return -EADDRINUSE;
    }
    sockets_[fd] = std::move(listener);
    return 0;
}

void Network::close(int fd, Ending ending) noexcept {
    const auto found = sockets_.find(fd);
    ensure(found != sockets_.end());
    if (const auto* const connected = std::get_if<Connected>(&found->second)) {
        wire_.close(connected->end, ending);
    } else if (const auto* const listener = std::get_if<Listener>(&found->second)) {
        for (const ConnectionId waiting : listener->queue) {
            wire_.close({waiting, Side::server}, Ending::reset);
        }
    }
    sockets_.erase(found);
    sealed_.erase(fd);
}

// What an earlier call said stays where this one says nothing.
void Network::configure(int fd, const SocketOptions& options) noexcept {
    Socket& socket = sockets_.at(fd);
    if (auto* const connected = std::get_if<Connected>(&socket)) {
        wire_.configure(connected->end, options);
        return;
    }
    auto* const fresh = std::get_if<Unconnected>(&socket);
    SocketOptions& kept = fresh != nullptr ? fresh->options : std::get<Listener>(socket).options;
    add_options(kept, options);
}

void Network::connect(int fd, const Endpoint& given) {
    auto& fresh = std::get<Unconnected>(sockets_.at(fd));
    const int family = fresh.family;
    const Endpoint to = destination_of(given.unmapped());
    const Route route = route_to(to);
    const std::uint16_t port = port_between(route.from, to);
    const Endpoint from = route.from.with_port(port);
    fresh.os_errno = family != given.family() ? (family == AF_INET ? EAFNOSUPPORT : EINVAL)
                     : port == 0              ? EADDRNOTAVAIL
                                              : 0;
    if (fresh.os_errno != 0) {
        return;
    }
    const ConnectionId id = wire_.begin(from, to, route.to_server, route.to_client);
    const EndId end{id, Side::client};
    const SocketOptions options = fresh.options;
    sockets_[fd] = Connected{end, family};
    wire_.attach(end, fd);
    wire_.configure(end, options);
    const Duration there = wire_.latency(id, Direction::to_server);
    const Instant back = now_ + there + wire_.latency(id, Direction::to_client);
    const Instant gives_up_at = now_ + connect_gives_up_after;
    switch (reachability_of(from, to)) {
        case Reachability::reachable:
            agenda_.put(now_ + there,
                        {.step = Step::synchronise, .connection = id, .gives_up_at = gives_up_at});
            break;
        case Reachability::refused:
            agenda_.put(back, {.step = Step::fail, .connection = id, .os_errno = ECONNREFUSED});
            break;
        case Reachability::unreachable:
            agenda_.put(back, {.step = Step::fail, .connection = id, .os_errno = EHOSTUNREACH});
            break;
        case Reachability::silent:
            agenda_.put(gives_up_at, {.step = Step::fail, .connection = id, .os_errno = ETIMEDOUT});
            break;
    }
}

std::int32_t Network::connected(int fd) const noexcept {
    if (const EndId* const end = end_of(fd)) {
        return wire_.connected(*end);
    }
    const auto* const fresh = std::get_if<Unconnected>(&sockets_.at(fd));
    const bool has_failed = fresh != nullptr && fresh->os_errno != 0;
    return has_failed ? -fresh->os_errno : -EINPROGRESS;
}

bool Network::acceptable(int fd) const noexcept {
    const auto* const listener = std::get_if<Listener>(&sockets_.at(fd));
    return listener != nullptr && !listener->queue.empty();
}

void Network::accept(int listener, int fd) {
    auto& from = std::get<Listener>(sockets_.at(listener));
    const EndId end{from.queue.front(), Side::server};
    from.queue.pop_front();
    const int family = from.family;
    sockets_[fd] = Connected{end, family};
    wire_.attach(end, fd);
}

void Network::abort_next(int listener) noexcept {
    auto& from = std::get<Listener>(sockets_.at(listener));
    const EndId end{from.queue.front(), Side::server};
    from.queue.pop_front();
    wire_.close(end, Ending::reset);
}

std::int32_t Network::receive(int fd, std::span<std::byte> into) noexcept {
    const EndId* const end = end_of(fd);
    return end == nullptr ? -ENOTCONN : wire_.receive(*end, into);
}

std::int32_t Network::send(int fd, std::span<const std::byte> from, std::uint8_t type) noexcept {
    if (sealed_.contains(fd)) {
        return send_sealed(fd, type, from);
    }
    const EndId* const end = end_of(fd);
    return end == nullptr ? -EPIPE : wire_.send(*end, from);
}

std::uint32_t Network::poll(int fd) const noexcept {
    if (const EndId* const end = end_of(fd)) {
        return wire_.poll(*end);
    }
    if (std::holds_alternative<Unconnected>(sockets_.at(fd))) {
        return POLLHUP | POLLOUT | POLLWRNORM;
    }
    return acceptable(fd) ? POLLIN | POLLRDNORM : 0;
}

std::size_t Network::unread(int fd) const noexcept {
    const EndId* const end = end_of(fd);
    return end == nullptr ? 0 : wire_.unread(*end);
}

bool Network::refuses_to_send(int fd) const noexcept {
    const EndId* const end = end_of(fd);
    return end == nullptr || wire_.refuses_to_send(*end);
}

void Network::shut_down_sending(int fd) noexcept {
    if (const EndId* const end = end_of(fd)) {
        wire_.shut_down_sending(*end);
    }
}

SocketState Network::state(int fd) const noexcept {
    if (const EndId* const end = end_of(fd)) {
        return wire_.state(*end);
    }
    return {.closed = std::holds_alternative<Unconnected>(sockets_.at(fd))};
}

int Network::take_error(int fd) noexcept {
    const EndId* const end = end_of(fd);
    return end != nullptr ? wire_.take_error(*end) : 0;
}

Endpoint Network::local_endpoint(int fd) const noexcept {
    const Socket& socket = sockets_.at(fd);
    if (const auto* const connected = std::get_if<Connected>(&socket)) {
        return as_named_by(connected->family, wire_.endpoint(connected->end));
    }
    if (const auto* const fresh = std::get_if<Unconnected>(&socket)) {
        return fresh->family == AF_INET ? Endpoint::any(0) : *Endpoint::parse_address("::", 0);
    }
    const auto& listener = std::get<Listener>(socket);
    return as_named_by(listener.family, listener.at);
}

Endpoint Network::peer_endpoint(int fd) const noexcept {
    const auto* const connected = std::get_if<Connected>(&sockets_.at(fd));
    if (connected == nullptr) {
        return {};
    }
    const EndId end = connected->end;
    const Side other = end.side == Side::client ? Side::server : Side::client;
    return as_named_by(connected->family, wire_.endpoint({end.connection, other}));
}

void Network::make(const Endpoint& to, Reachability reachability) {
    std::erase_if(reachability_, [&](const auto& rule) { return rule.first == to; });
    reachability_.emplace_back(to, reachability);
}

Instant Network::next_at() noexcept {
    while (!agenda_.empty() && is_stale(agenda_.next())) {
        const EndId client{agenda_.take().connection, Side::client};
        if (wire_.known(client.connection)) {
            wire_.abandon(client, ECONNABORTED);
        }
    }
    return std::min(agenda_.empty() ? never : agenda_.next_at(), wire_.next_at());
}

// At the same instant a handshake comes first: no octet overtakes it.
void Network::advance(Instant now) noexcept {
    for (Instant at = next_at(); at <= now; at = next_at()) {
        now_ = std::max(now_, at);
        if (!agenda_.empty() && agenda_.next_at() <= now_) {
            happen(agenda_.take());
        } else {
            wire_.advance(now_);
        }
    }
    now_ = std::max(now_, now);
    wire_.advance(now_);
}

// Whose client has gone before anybody could have heard of it is as if it had never been.
bool Network::is_stale(const Event& event) const noexcept {
    const bool heard_of = event.step == Step::acknowledge || event.step == Step::complete;
    return !wire_.known(event.connection) ||
           (!heard_of && !wire_.holds({event.connection, Side::client}));
}

const EndId* Network::end_of(int fd) const noexcept {
    const auto* const connected = std::get_if<Connected>(&sockets_.at(fd));
    return connected == nullptr ? nullptr : &connected->end;
}

// How well a listener suits a connection to this address: 0 is not at all, and the best gets it.
int Network::closeness(const Endpoint& to, const Listener& listener) noexcept {
    if (to == listener.at) {
        return 3;
    }
    if (to.port() != listener.at.port() || !is_wildcard(listener.at)) {
        return 0;
    }
    if (to.family() == listener.at.family()) {
        return 2;
    }
    return listener.family == AF_INET6 && !listener.ipv6_only ? 1 : 0;
}

bool Network::is_host(const Endpoint& at) const noexcept {
    return options_.hosts.empty() || is_wildcard(at) ||
           std::ranges::any_of(options_.hosts, [&](const Endpoint& host) {
               return host.with_port(0) == at.with_port(0);
           });
}

bool Network::is_taken(const Listener& wanted) const noexcept {
    return std::ranges::any_of(sockets_, [&](const auto& each) {
        const auto* const listener = std::get_if<Listener>(&each.second);
        return listener != nullptr && !(wanted.shares_port && listener->shares_port) &&
               (closeness(wanted.at, *listener) > 0 || closeness(listener->at, wanted) > 0);
    });
}

void Network::power_off(const Endpoint& host) {
    hosts_off_.push_back(host.with_port(0));
    wire_.power_off(host);
}

bool Network::is_off(const Endpoint& host) const noexcept {
    return std::ranges::find(hosts_off_, host.with_port(0)) != hosts_off_.end();
}

// A host reaches itself from its own address; others come from one that is kept for examples.
Route Network::route_to(const Endpoint& to) const {
    for (const Route& route : options_.routes) {
        if (route.to.with_port(0) == to.with_port(0)) {
            return route;
        }
    }
    const bool loops = to == Endpoint::loopback(to.port());
    const auto other = to.family() == AF_INET ? Endpoint::parse_address("192.0.2.1", 0)
                                              : Endpoint::parse_address("::1", 0);
    const Path path{options_.latency_min, options_.latency_max, options_.octets_per_second};
    return {.to = to,
            .from = loops ? Endpoint::loopback(0) : *other,
            .to_server = path,
            .to_client = path};
}

Reachability Network::reachability_of(const Endpoint& from, const Endpoint& to) {
    if (is_off(from) || is_off(to)) {
        return Reachability::silent;
    }
    const auto rule =
        std::ranges::find(reachability_, to, &decltype(reachability_)::value_type::first);
    if (rule != reachability_.end() && rule->second != Reachability::reachable) {
        return rule->second;
    }
    if (!is_host(to)) {
        return Reachability::unreachable;
    }
    if (faults_.happens(FaultKind::refused, options_.refused_percent)) {
        return Reachability::refused;
    }
    if (faults_.happens(FaultKind::unreachable, options_.unreachable_percent)) {
        return Reachability::unreachable;
    }
    if (faults_.happens(FaultKind::unanswered, options_.unanswered_percent)) {
        return Reachability::silent;
    }
    return Reachability::reachable;
}

// Listeners that suit alike share a port, and each gets connections at random, as the kernel's hash
// spreads them.
std::optional<int> Network::listener_for(const Endpoint& to) {
    std::vector<int> listeners;
    int best = 1;
    for (const auto& [fd, socket] : sockets_) {
        const auto* const listener = std::get_if<Listener>(&socket);
        const int suits = listener == nullptr ? 0 : closeness(to, *listener);
        if (suits > best) {
            listeners.clear();
            best = suits;
        }
        if (suits == best) {
            listeners.push_back(fd);
        }
    }
    if (listeners.empty()) {
        return std::nullopt;
    }
    return listeners.size() == 1 ? listeners.front() : listeners[random_.below(listeners.size())];
}

std::uint16_t Network::next_port() noexcept {
    const bool is_last = last_port_ == options_.port_max;
    ports_repeat_ |= is_last;
    last_port_ = is_last ? options_.port_min : static_cast<std::uint16_t>(last_port_ + 1);
    return last_port_;
}

// Both: 0, if there is none left.
std::uint16_t Network::port_for(Listener wanted) {
    for (int ports = options_.port_min; ports <= options_.port_max; ++ports) {
        wanted.at = wanted.at.with_port(next_port());
        if (!is_taken(wanted)) {
            return last_port_;
        }
    }
    return 0;
}

std::uint16_t Network::port_between(const Endpoint& from, const Endpoint& to) {
    if (faults_.happens(FaultKind::no_port, options_.no_port_percent)) {
        return 0;
    }
    Listener wanted{.at = from,
                    .family = from.family(),
                    .backlog = 1,
                    .shares_port = false,
                    .ipv6_only = false};
    for (int ports = options_.port_min; ports <= options_.port_max; ++ports) {
        wanted.at = from.with_port(next_port());
        if (!is_taken(wanted) && !(ports_repeat_ && wire_.is_used(wanted.at, to))) {
            return last_port_;
        }
    }
    return 0;
}

void Network::happen(const Event& event) {
    switch (event.step) {
        case Step::synchronise: synchronise(event); break;
        case Step::acknowledge: acknowledge(event); break;
        case Step::complete: complete(event); break;
        case Step::fail: wire_.abandon({event.connection, Side::client}, event.os_errno); break;
    }
}

void Network::synchronise(const Event& event) {
    const Endpoint& to = wire_.endpoint({event.connection, Side::server});
    if (is_off(to)) {
        agenda_.put(event.gives_up_at,
                    {.step = Step::fail, .connection = event.connection, .os_errno = ETIMEDOUT});
        return;
    }
    const std::optional<int> fd = listener_for(to);
    if (!fd) {
        agenda_.put(now_ + wire_.latency(event.connection, Direction::to_client),
                    {.step = Step::fail, .connection = event.connection, .os_errno = ECONNREFUSED});
        return;
    }
    auto& listener = std::get<Listener>(sockets_.at(*fd));
    Event next = event;
    if (listener.queue.size() + listener.half_open > listener.backlog) {
        const bool too_late = now_ + synchronise_again_after > event.gives_up_at;
        next.step = too_late ? Step::fail : Step::synchronise;
        next.os_errno = ETIMEDOUT;
        agenda_.put(now_ + synchronise_again_after, next);
        return;
    }
    ++listener.half_open;
    next.step = Step::acknowledge;
    next.listener = *fd;
    agenda_.put(now_ + wire_.latency(event.connection, Direction::to_client), next);
}

void Network::acknowledge(const Event& event) {
    const EndId client{event.connection, Side::client};
    const Instant arrives = now_ + wire_.latency(event.connection, Direction::to_server);
    Event next = event;
    next.step = Step::complete;
    agenda_.put(arrives, next);
    if (wire_.holds(client)) {
        wire_.establish(client, arrives);
    }
}

void Network::complete(const Event& event) {
    const EndId server{event.connection, Side::server};
    const auto found = sockets_.find(event.listener);
    const bool connected = wire_.connected({event.connection, Side::client}) == 0;
    if (found != sockets_.end()) {
        --std::get<Listener>(found->second).half_open;
    }
    if (!connected) {
        wire_.abandon(server, ECONNRESET);  // The client had gone before it knew: a RST.
        return;
    }
    if (found != sockets_.end()) {
        wire_.configure(server, std::get<Listener>(found->second).options);
    }
    wire_.establish(server, now_);
    if (found == sockets_.end()) {
        wire_.close(server, Ending::reset);
        return;
    }
    std::get<Listener>(found->second).queue.push_back(event.connection);
    observer_.changed(event.listener);
}

}  // namespace sluice::simulation
