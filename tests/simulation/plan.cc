#include "sluice/tests/simulation/plan.h"

#include <array>
#include <chrono>

namespace sluice::campaign {

namespace {

using http::Method;
using http::Status;
using std::chrono::milliseconds;

// Mostly some KB; now and then nothing, one octet, or many.
std::uint64_t some_octets(Random& random) {
    const std::uint64_t kind = random.below(20);
    if (kind < 2) {
        return kind;
    }
    if (kind < 12) {
        return random.below(3000);
    }
    return kind < 19 ? random.below(20'000) : random.below(100'000);
}

std::uint64_t piece_octets(Random& random) {
    return random.chance(20) ? random.between(1, 300) : random.between(300, 16'384);
}

void plan_request(Plan& plan, Random& random) {
    plan.request_octets = some_octets(random);
    switch (random.below(4)) {
        case 0: plan.request = RequestContent::chunked; break;
        case 1: plan.request = RequestContent::brought; break;
        default: plan.request = RequestContent::with_length; break;
    }
    plan.expects_continue = random.chance(15);
}

void plan_response(Plan& plan, Random& random) {
    plan.response_octets = some_octets(random);
    plan.response = std::array{ResponseContent::whole, ResponseContent::with_length,
                               ResponseContent::chunked}[random.below(3)];
}

}  // namespace

// Of those that are asked for in one go: whole answers, which can be told apart afterwards.
Plan plan_of_pipelined(const Script& script, std::uint32_t number) {
    Plan plan;
    plan.response_seed = script.seed * 1000 + number * 2 + 1;
    Random random(plan.response_seed);
    plan.response_octets = some_octets(random);
    return plan;
}

Plan plan_of(const Script& script, Workload workload, std::uint32_t number) {
    if (number >= calls_max) {
        return plan_of_pipelined(script, number);
    }
    Random random(script.seed * calls_max * 2 + number);
    Plan plan;
    if (workload == Workload::mixed) {
        plan.to = std::array{Host::origin, Host::origin, Host::origin, Host::proxy,
                             Host::proxy,  Host::store,  Host::raw}[random.below(7)];
    } else if (workload == Workload::proxy) {
        plan.to = Host::proxy;
    } else if (workload == Workload::store) {
        plan.to = Host::store;
    }
    plan.request_seed = script.seed * 1000 + number * 2;
    plan.response_seed = plan.request_seed + 1;
    const bool uploads = workload == Workload::upload || plan.to == Host::store ||
                         (workload != Workload::download && random.chance(50));
    const bool downloads = workload == Workload::download || !uploads || random.chance(30);
    if (uploads && plan.to != Host::raw) {
        const bool puts = random.chance(50) || plan.to == Host::store;
        plan.method = puts ? Method::put : Method::post;
        plan_request(plan, random);
    } else {
        plan.method = std::array{Method::get,  Method::get,     Method::get,
                                 Method::head, Method::delete_, Method::post}[random.below(6)];
    }
    if (downloads) {
        plan_response(plan, random);
    } else {
        plan.response_octets = random.below(200);
    }
    plan.piece_octets_max = piece_octets(random);
    plan.response_piece_octets_max = piece_octets(random);
    plan.closes = random.chance(5);
    plan.fetches = random.chance(20);
    plan.both_at_once = random.chance(50);
    plan.skips_content = random.chance(5);
    plan.think = random.chance(60) ? Duration(0) : milliseconds(random.below(20));
    if (random.chance(1)) {
        plan.think = std::chrono::seconds(random.between(20, 120));  // Longer than idle ones live.
    }
    plan.reading = random.chance(75) ? Reading::all
                                     : std::array{Reading::none, Reading::some,
                                                  Reading::after_answer}[random.below(3)];
    plan.status = std::array{Status::ok,
                             Status::ok,
                             Status::created,
                             Status::not_found,
                             Status::content_too_large,
                             Status::service_unavailable,
                             Status::misdirected_request}[random.below(7)];
    plan.work = random.chance(60) ? Duration(0) : milliseconds(random.below(20));
    plan.hints = random.chance(10);
    plan.handler_closes = random.chance(5);
    if (random.chance(25)) {
        plan.wanted =
            random.chance(50) ? http::DeliveryLevel::kernel : http::DeliveryLevel::acknowledged;
    }
    return plan;
}

}  // namespace sluice::campaign
