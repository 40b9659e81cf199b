#include "sluice/tests/simulation/client_host.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice::campaign {

using http::Mechanism;
using std::chrono::milliseconds;
using std::chrono::minutes;

// One exchange under way.
struct ClientHost::Asking {
    Call& call;
    const Plan& plan;
    const Fault* fault;
    http::Exchange* exchange = nullptr;
    Outcome seen{};
    bool happened = false;  // The fault did.

    [[nodiscard]] bool writes() const noexcept {
        return plan.request == RequestContent::with_length ||
               plan.request == RequestContent::chunked;
    }
    [[nodiscard]] bool fails_as(FaultKind kind) const noexcept {
        return fault != nullptr && fault->kind == kind;
    }
    // The octets of its direction at which the fault happens.
    [[nodiscard]] std::uint64_t point(std::uint64_t octets) const noexcept {
        return fault->amount % (octets + 1);
    }
    void gave_up(Mechanism how, Instant now) noexcept {
        if (call.gave_up == Mechanism::none) {
            call.gave_up = how;
            call.gave_up_at = now;
        }
    }
};

namespace {

http::ClientRequest request_of(const std::string& url, const Plan& plan) {
    http::ClientRequest request(plan.method, url);
    switch (plan.request) {
        case RequestContent::none: break;
        case RequestContent::with_length: request.length(plan.request_octets); break;
        case RequestContent::chunked: request.chunked(); break;
        case RequestContent::brought:
            request.content(content_of(plan.request_seed, plan.request_octets));
            break;
    }
    if (plan.expects_continue) {
        request.expect_continue();
    }
    if (plan.closes) {
        request.close_connection();
    }
    return request;
}

}  // namespace

http::ClientOptions client_options_of(const Script& script) {
    Random random(script.seed ^ 0xc11e47);
    http::ClientOptions options;
    options.tcp.socket = socket_options_of(script);
    options.connections_per_origin_max = random.between(1, 3);
    options.retries_max = static_cast<std::uint32_t>(random.below(3));
    if (random.chance(20)) {
        options.waiters_per_origin_max = random.below(2);
    }
    if (random.chance(20)) {
        options.drain_octets_max = random.below(4096);
    }
    if (random.chance(20)) {
        options.first_byte_max = milliseconds(random.between(5, 50));
    }
    if (random.chance(20)) {
        options.pool_wait_max = milliseconds(random.between(1, 20));
    }
    if (random.chance(10)) {
        options.connect_max = milliseconds(random.between(1, 10));
    }
    if (random.chance(10)) {
        options.limits.content_octets_max = random.between(1000, 50'000);
    }
    return options;
}

http::ClientOptions client_options_in(const World& world) {
    http::ClientOptions options = client_options_of(world.script);
    if (world.tls != nullptr) {
        options.https = world.tls->layer();
    }
    return options;
}

ClientHost::ClientHost(World& world)
    : world_(world),
      recorder_(world, Host::origin, http::Side::client),
      client_(world.loop, client_options_in(world)) {
    client_.observe(&recorder_);
}

Task<Call*> ClientHost::ask(std::string url, std::uint32_t number, Plan plan) {
    Call& call = world_.evidence.calls.emplace_back();
    call.number = number;
    call.to = plan.to;
    call.method = plan.method;
    call.began = world_.now();
    const Fault* const fault =
        world_.script.find(FaultKind::client_cancels, FaultKind::client_asks_nonsense, number);
    Asking asking{.call = call, .plan = plan, .fault = fault};
    const bool is_nonsense = asking.fails_as(FaultKind::client_asks_nonsense);
    http::ClientRequest request = request_of((is_nonsense ? "ftp" : "") + url, plan);
    call.asked_nonsense = is_nonsense;
    if (asking.fails_as(FaultKind::client_deadline)) {
        call.limit = milliseconds(fault->amount);
        const bool ignored = world_.plant == Plant::deadline_ignored;
        request.total_max(ignored ? never : call.limit);
        world_.something_went_wrong();
    }
    if (plan.request == RequestContent::brought) {
        call.sent.add(std::as_bytes(std::span(*request.content())));
        call.sent.taken = call.sent.octets;
        call.sent.ended = true;
    }
    if (plan.request == RequestContent::with_length) {
        call.declared = plan.request_octets;
    }
    if (plan.request == RequestContent::none) {
        call.sent.ended = true;
    }
    if (plan.fetches && !asking.writes() &&
        (fault == nullptr || fault->kind == FaultKind::client_deadline)) {
        co_await fetch(asking, request);
    } else {
        co_await exchange(asking, request);
    }
    call.ended = world_.now();
    co_return &call;
}

Task<> ClientHost::fetch(Asking& asking, http::ClientRequest& request) {
    const http::Fetched fetched = co_await client_.fetch(request);
    Call& call = asking.call;
    call.got.add(std::as_bytes(std::span(fetched.content)));
    call.got.ended = fetched.content_is_whole;
    call.status = fetched.status();
    for (const Outcome& attempt : fetched.attempts) {
        call.attempts.push_back(altered(attempt, world_.plant));
    }
    conclude(asking, fetched.outcome);
}

Task<> ClientHost::exchange(Asking& asking, http::ClientRequest& request) {
    http::Exchange exchange = client_.begin(request);
    asking.exchange = &exchange;
    Call& call = asking.call;
    if (asking.writes() && asking.plan.both_at_once &&
        !asking.fails_as(FaultKind::client_lets_go)) {
        co_await when_all(write(asking), read(asking));
    } else {
        bool goes_on = true;
        if (asking.writes()) {
            goes_on = co_await write(asking);
        }
        if (goes_on) {
            co_await read(asking);
        }
    }
    if (call.let_go) {
        // Those that were over by then; what becomes of the last, the observer is told.
        for (const Outcome& attempt : exchange.attempts()) {
            if (attempt.attempt < exchange.so_far().attempt) {
                call.attempts.push_back(attempt);
            }
        }
        co_return;
    }
    const Outcome outcome = co_await exchange.outcome();
    for (const Outcome& attempt : exchange.attempts()) {
        call.attempts.push_back(altered(attempt, world_.plant));
    }
    conclude(asking, outcome);
}

void ClientHost::conclude(Asking& asking, const Outcome& outcome) {
    look_again(outcome, asking.seen, asking.call, Plant::none);
    asking.call.outcome = altered(outcome, world_.plant);
    ++asking.call.outcomes;
}

Task<bool> ClientHost::write(Asking& asking) {
    Call& call = asking.call;
    const Plan& plan = asking.plan;
    const std::string content = content_of(plan.request_seed, plan.request_octets);
    std::span<const std::byte> left = std::as_bytes(std::span(content));
    ByteSink& sink = asking.exchange->body();
    while (true) {
        const bool goes_on = co_await go_wrong(asking, call.sent.octets, true);
        if (!goes_on) {
            co_return !call.let_go;
        }
        if (left.empty()) {
            break;
        }
        std::uint64_t octets =
            std::min<std::uint64_t>(left.size(), world_.random.between(1, plan.piece_octets_max));
        if (asking.fault != nullptr && !asking.happened) {
            const std::uint64_t point = asking.point(plan.request_octets);
            octets = std::min(octets, std::max<std::uint64_t>(point - call.sent.octets, 1));
        }
        const auto piece = left.first(octets);
        left = left.subspan(octets);
        call.sent.add(piece);
        const Result<void> written = co_await sink.write(piece);
        look_again(asking.exchange->so_far(), asking.seen, call, world_.plant);
        if (!written) {
            call.sent.failed = true;
            co_return true;
        }
        call.sent.taken += octets;
    }
    call.sent.ended = true;
    const Result<void> finished = co_await sink.finish();
    call.sent.failed = !finished;
    look_again(asking.exchange->so_far(), asking.seen, call, world_.plant);
    co_return true;
}

Task<bool> ClientHost::read(Asking& asking) {
    Call& call = asking.call;
    const bool goes_on = co_await go_wrong(asking, 0, false);
    if (!goes_on) {
        co_return false;
    }
    Result<http::Response> response = co_await asking.exchange->response();
    if (!response) {
        co_return false;
    }
    call.status = response->status();
    if (asking.plan.skips_content) {
        co_return true;
    }
    while (true) {
        const Result<std::span<const std::byte>> content = co_await response->body().read();
        if (!content) {
            call.got.failed = true;
            co_return false;
        }
        look_again(asking.exchange->so_far(), asking.seen, call, world_.plant);
        call.got.add(*content);
        call.got.ended = content->empty();
        if (call.got.ended) {
            co_return true;
        }
        const bool still_goes_on = co_await go_wrong(asking, call.got.octets, false);
        if (!still_goes_on) {
            co_return false;
        }
    }
}

Task<bool> ClientHost::go_wrong(Asking& asking, std::uint64_t octets, bool is_writing) {
    if (asking.fault == nullptr || asking.happened) {
        co_return true;
    }
    const bool happens_writing =
        asking.writes() && asking.fault->kind != FaultKind::client_sink_fails;
    const std::uint64_t whole =
        happens_writing ? asking.plan.request_octets : asking.plan.response_octets;
    if (happens_writing != is_writing || octets < asking.point(whole)) {
        co_return true;
    }
    asking.happened = true;
    Call& call = asking.call;
    http::Exchange& exchange = *asking.exchange;
    const FaultKind kind = asking.fault->kind;
    if (kind == FaultKind::client_cancels) {
        asking.gave_up(Mechanism::cancelled, world_.now());
        exchange.abort();
    } else if (kind == FaultKind::client_source_fails && is_writing) {
        if (call.declared != std::uint64_t{0}) {  // What is empty has ended with its head.
            asking.gave_up(Mechanism::source_error, world_.now());
        }
        exchange.body().abort();
    } else if (kind == FaultKind::client_sink_fails) {
        asking.gave_up(Mechanism::sink_error, world_.now());
        exchange.abort(Mechanism::sink_error);
    } else if (kind == FaultKind::client_leaves_unfinished && is_writing) {
        call.gave_up = Mechanism::source_error;  // If nothing else ends it before it is asked.
    } else if (kind == FaultKind::client_lets_go) {
        asking.gave_up(Mechanism::cancelled, world_.now());
        call.let_go = true;
    } else if (kind == FaultKind::client_writes_too_much && is_writing &&
               asking.plan.request == RequestContent::with_length) {
        const Instant when = world_.now();
        const std::string more(asking.plan.request_octets - octets + 1, 'z');
        call.sent.add(std::as_bytes(std::span(more)));
        const Result<void> written = co_await exchange.body().write(std::as_bytes(std::span(more)));
        call.sent.failed = !written;
        if (!written && written.error().code == Errc::limit_exceeded) {
            asking.gave_up(Mechanism::protocol, when);
        }
    } else if (kind == FaultKind::client_sleeps) {
        world_.something_went_wrong();
        co_await sleep_for(minutes(world_.random.between(1, 5)));
        co_return true;
    } else {
        co_return true;
    }
    world_.something_went_wrong();
    co_return false;
}

}  // namespace sluice::campaign
