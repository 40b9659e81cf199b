// The part of tcp.h that connects.

#include "sluice/runtime/await.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/tcp.h"
#include "sluice/runtime/timers.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

namespace sluice {

namespace {

using Connected = Result<std::unique_ptr<Transport>>;

// The families in turn, the first address' own first; within a family in the order given.
std::vector<Endpoint> interleaved(const std::vector<Endpoint>& endpoints) {
    std::vector<Endpoint> order;
    std::deque<Endpoint> others;
    std::deque<Endpoint> firsts;
    for (const Endpoint& each : endpoints) {
        (each.family() == endpoints.front().family() ? firsts : others).push_back(each);
    }
    while (!firsts.empty() || !others.empty()) {
        for (std::deque<Endpoint>* const family : {&firsts, &others}) {
            if (!family->empty()) {
                order.push_back(family->front());
                family->pop_front();
            }
        }
    }
    return order;
}

// Sets an event once a while has passed.
class Pace final : private Timer {
public:
    explicit Pace(Event& passed) noexcept : passed_(passed) {}

    void begin(Loop& loop, Duration pause) noexcept {
        is_over_ = false;
        loop.arm(*this, after(loop.now(), pause));
    }
    [[nodiscard]] bool is_over() const noexcept { return is_over_; }

private:
    void fired() noexcept override {
        is_over_ = true;
        passed_.set();
    }

    Event& passed_;
    bool is_over_ = false;
};

struct Attempt {
    Attempt(const Context& context, Task<Connected> task) : running(context, std::move(task)) {}

    Running<Connected> running;
    bool is_counted = false;
};

// What the attempts have come to.
struct Race {
    std::deque<Attempt> attempts;
    std::size_t under_way = 0;
    bool has_lost = false;  // One failed since the last look: no reason to wait with the next.
    Connected result = failure(Errc::unreachable, Phase::resolve);

    void look();
    Task<> end();
};

void Race::look() {
    for (Attempt& each : attempts) {
        if (each.is_counted || !each.running.is_done() || result) {
            continue;
        }
        each.is_counted = true;
        --under_way;
        result = each.running.take();
        has_lost = !result;
    }
}

// Stops the losers, waits for each, and closes what one of them won too late.
Task<> Race::end() {
    for (Attempt& each : attempts) {
        each.running.request_stop();
    }
    for (Attempt& each : attempts) {
        co_await each.running.join();
        if (!each.is_counted) {
            Connected late = each.running.take();
            if (late) {
                co_await (*late)->close(Ending::reset);
            }
        }
    }
}

}  // namespace

Task<Connected> TcpConnector::connect(std::string_view host, std::uint16_t port,
                                      ConnectTimes& times) {
    const CallSite here = co_await this_call_site();
    if (options_.instead.family() != AF_UNSPEC) {
        Connected connected = co_await connect_to(options_.instead, here);
        co_return connected;
    }
    const bool is_numeric = Endpoint::parse_address(host, port).has_value();
    std::string name(host);
    const Result<std::vector<Endpoint>> endpoints = co_await names_.resolve(std::move(name), port);
    if (!endpoints) {
        co_return failed(endpoints);
    }
    times.resolved = is_numeric ? never : loop_.now();
    if (endpoints->size() == 1) {
        Connected connected = co_await connect_to(endpoints->front(), here);
        co_return connected;
    }
    Connected connected = co_await race(interleaved(*endpoints), here);
    co_return connected;
}

Task<Connected> TcpConnector::race(std::vector<Endpoint> endpoints, CallSite made_for) {
    const Context context = co_await this_task();
    Event changed;
    Pace pace(changed);
    Race race;
    bool was_stopped = false;
    std::size_t next = 0;
    while (!was_stopped) {
        race.look();
        if (race.result || (race.under_way == 0 && next == endpoints.size())) {
            break;
        }
        const bool is_time = race.under_way == 0 || pace.is_over();
        if (next < endpoints.size() && (std::exchange(race.has_lost, false) || is_time)) {
            Attempt& started =
                race.attempts.emplace_back(context, connect_to(endpoints[next], made_for));
            started.running.notify(changed);
            ++race.under_way;
            ++next;
            pace.begin(loop_, options_.attempt_delay);
            continue;
        }
        changed.reset();
        const bool happened = co_await changed.wait();
        was_stopped = !happened;
    }
    co_await race.end();
    if (was_stopped) {
        co_return failure(Errc::cancelled, Phase::connect);
    }
    co_return std::move(race.result);
}

Task<Connected> TcpConnector::connect_to(Endpoint endpoint, CallSite made_for) {
    const Result<int> fd = loop_.backend().open_socket(endpoint.family());
    if (!fd) {
        co_return failed(fd);
    }
    loop_.backend().configure(*fd, options_.socket);
    Perform connecting(Connect{*fd, &endpoint});
    const std::int32_t result = co_await connecting;
    if (result < 0) {
        loop_.backend().close(*fd, Ending::reset);
        co_return std::unexpected(error_from_errno(-result, Phase::connect));
    }
    co_return std::make_unique<TcpTransport>(loop_, *fd, made_for);
}

}  // namespace sluice
