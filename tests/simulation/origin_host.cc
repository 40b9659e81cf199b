#include "sluice/tests/simulation/origin_host.h"

#include "sluice/runtime/await.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace sluice::campaign {

using std::chrono::milliseconds;
using std::chrono::minutes;

http::ServerOptions server_options_of(const Script& script) {
    Random random(script.seed ^ 0x5e47e4);
    http::ServerOptions options;
    if (random.chance(20)) {
        options.idle_max = milliseconds(random.between(1, 30));
    }
    if (random.chance(20)) {
        options.head_max = milliseconds(random.between(1, 30));
    }
    if (random.chance(20)) {
        options.content_pause_max = milliseconds(random.between(1, 30));
    }
    if (random.chance(20)) {
        options.drain_octets_max = random.below(4096);
    }
    if (random.chance(20)) {
        options.linger_octets_max = random.below(4096);
    }
    if (random.chance(10)) {
        options.limits.content_octets_max = random.between(1000, 50'000);
    }
    options.fin_is_gone = random.chance(10);
    return options;
}

std::uint32_t number_of(std::string_view target) noexcept {
    constexpr std::string_view beginning = "/e/";
    std::uint32_t number = no_exchange_number;
    if (target.starts_with(beginning)) {
        const std::string_view digits = target.substr(beginning.size());
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    }
    return number;
}

Handling& Counter::begin(World& world, Host host, const http::Request& request) {
    Handling& handling = world.evidence.handlings.emplace_back();
    handling.at = host;
    handling.number = number_of(request.target());
    handling.client_port = request.peer().port();
    handling.nth = ++begun_[handling.client_port];
    handling.method = request.method();
    handling.began = world.now();
    return handling;
}

HandlerEnd::~HandlerEnd() {
    const bool left_behind = world_.plant == Plant::handler_left_behind && responder_.client_gone();
    if (!left_behind) {
        handling_.ended = world_.now();
    }
}

Task<> read_content(http::Request& request, Handling& handling, std::uint64_t octets_max) {
    while (handling.got.octets < octets_max) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        if (!content) {
            handling.got.failed = true;
            co_return;
        }
        handling.got.add(*content);
        if (content->empty()) {
            handling.got.ended = true;
            co_return;
        }
    }
}

OriginHost::OriginHost(World& world, Workload workload)
    : world_(world),
      workload_(workload),
      recorder_(world, Host::origin, http::Side::server),
      server_(
          world.loop,
          [this](http::Request& request, http::Responder& responder) {
              return handle(request, responder);
          },
          server_options_of(world.script)) {
    server_.observe(&recorder_);
}

Task<> OriginHost::serve(std::string_view at) {
    Listening listening(world_.loop, at, world_.script, world_.tls, world_.evidence.taken_ports);
    const Result<void> served = co_await server_.serve(listening);
    ensure(served.has_value() || served.error().code == Errc::cancelled);
}

Task<> OriginHost::handle(http::Request& request, http::Responder& responder) {
    Handling& handling = counter_.begin(world_, Host::origin, request);
    const HandlerEnd end(world_, handling, responder);
    const std::uint32_t last = std::exchange(last_, handling.number);
    const bool crosses = world_.plant == Plant::answers_crossed;
    const Plan plan = plan_of(world_.script, workload_, crosses ? last : handling.number);
    const Fault* const fault =
        world_.script.find(FaultKind::handler_throws, FaultKind::handler_sleeps, handling.number);
    if (plan.reading == Reading::all) {
        co_await read_content(request, handling, never.count());
    } else if (plan.reading == Reading::some) {
        co_await read_content(request, handling, plan.request_octets / 2);
    }
    if (plan.work > Duration(0)) {
        co_await sleep_for(plan.work);
    }
    if (plan.hints && request.version_minor() > 0) {
        responder.interim(http::Status::early_hints);
    }
    if (fault != nullptr && fault->kind == FaultKind::handler_throws && fault->amount % 2 == 0) {
        handling.threw = true;
        world_.something_went_wrong();
        throw std::runtime_error("as the script says");
    }
    const std::string number = std::to_string(handling.number);
    ensure(responder.fields().add("X-Exchange", number).has_value());
    if (plan.handler_closes) {
        responder.close_connection();
    }
    co_await answer(handling, plan, fault, responder);
    if (plan.reading == Reading::after_answer) {
        co_await read_content(request, handling, never.count());
    }
    if (plan.wanted != http::DeliveryLevel::none && !handling.aborted) {
        const Outcome told = co_await responder.finish(plan.wanted);
        handling.told = altered(told, world_.plant);
    }
}

Task<> OriginHost::answer(Handling& handling, const Plan& plan, const Fault* fault,
                          http::Responder& responder) {
    handling.status = plan.status;
    if (plan.response != ResponseContent::whole) {
        co_await stream(handling, plan, fault, responder);
        co_return;
    }
    const std::string content = content_of(plan.response_seed, plan.response_octets);
    handling.declared = content.size();
    handling.sent.add(std::as_bytes(std::span(content)));
    handling.sent.taken = handling.sent.octets;
    handling.sent.ended = true;
    responder.respond(plan.status, content);
}

Task<> OriginHost::stream(Handling& handling, const Plan& plan, const Fault* fault,
                          http::Responder& responder) {
    const std::string content = content_of(plan.response_seed, plan.response_octets);
    if (plan.response == ResponseContent::with_length) {
        handling.declared = plan.response_octets;
    }
    ByteSink& sink = responder.start(plan.status, handling.declared);
    std::span<const std::byte> left = std::as_bytes(std::span(content));
    const std::uint64_t point =
        fault == nullptr ? never.count() : fault->amount % (plan.response_octets + 1);
    bool happened = fault == nullptr;
    while (true) {
        if (!happened && handling.sent.octets >= point) {
            happened = true;
            world_.something_went_wrong();
            if (fault->kind == FaultKind::handler_throws) {
                handling.threw = true;
                throw std::runtime_error("as the script says");
            }
            if (fault->kind == FaultKind::handler_aborts) {
                handling.aborted = true;
                sink.abort();
                co_return;
            }
            if (fault->kind == FaultKind::handler_falls_short) {
                break;
            }
            if (fault->kind == FaultKind::handler_writes_too_much) {
                // The same text goes on: a proxy may pass some of it on before it is cut.
                const std::uint64_t before = handling.sent.octets;
                const std::string more =
                    content_of(plan.response_seed, before + left.size() + 1).substr(before);
                handling.sent.add(std::as_bytes(std::span(more)));
                const Result<void> refused = co_await sink.write(std::as_bytes(std::span(more)));
                handling.sent.failed = !refused;
                handling.aborted = true;
                co_return;
            }
            co_await sleep_for(minutes(world_.random.between(1, 5)));
        }
        if (left.empty()) {
            break;
        }
        const std::uint64_t most = std::min<std::uint64_t>(
            world_.random.between(1, plan.response_piece_octets_max), left.size());
        const auto piece = left.first(most);
        left = left.subspan(most);
        handling.sent.add(piece);
        const Result<void> written = co_await sink.write(piece);
        if (!written) {
            handling.sent.failed = true;
            co_return;
        }
        handling.sent.taken += most;
    }
    handling.sent.ended = true;
    const Result<void> finished = co_await sink.finish();
    handling.sent.failed = !finished;
}

}  // namespace sluice::campaign
