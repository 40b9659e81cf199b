#include "sluice/runtime/name_cache.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/ensure.h"

#include <optional>

namespace sluice {

struct NameCache::Waiter {
    Event answered;
    std::optional<Result<Endpoints>> answer;  // None: who asked was stopped.
};

namespace {

Result<NameCache::Endpoints> with_port(Result<NameCache::Endpoints> endpoints, std::uint16_t port) {
    if (endpoints) {
        for (Endpoint& each : *endpoints) {
            each = each.with_port(port);
        }
    }
    return endpoints;
}

}  // namespace

NameCache::~NameCache() {
    for (const auto& [host, name] : names_) {
        ensure(!name.is_asked);
    }
}

Task<Result<NameCache::Endpoints>> NameCache::resolve(std::string host, std::uint16_t port) {
    if (const std::optional<Endpoint> numeric = Endpoint::parse_address(host, port)) {
        co_return Endpoints{*numeric};
    }
    const Context context = co_await this_task();
    while (true) {
        Name* const name = name_of(host, context.loop->now());
        if (name == nullptr) {
            Result<Endpoints> answer = co_await look_up_(host, port);
            co_return answer;
        }
        if (!name->is_asked && context.loop->now() < name->until) {
            co_return with_port(name->endpoints, port);
        }
        if (!name->is_asked) {
            Result<Endpoints> answer = co_await ask(*name, host);
            co_return with_port(std::move(answer), port);
        }
        Waiter waiter;
        name->waiting.push_back(&waiter);
        const bool answered = co_await waiter.answered.wait();
        if (!answered) {
            std::erase(name->waiting, &waiter);
            co_return failure(Errc::cancelled, Phase::resolve);
        }
        if (waiter.answer) {
            co_return with_port(std::move(*waiter.answer), port);
        }
    }
}

// Tells the answer to all who wait for it.
Task<Result<NameCache::Endpoints>> NameCache::ask(Name& name, std::string host) {
    name.is_asked = true;
    Result<Endpoints> answer = co_await look_up_(host, 0);
    const Context context = co_await this_task();
    name.is_asked = false;
    const bool was_stopped = !answer && answer.error().code == Errc::cancelled;
    for (Waiter* const waiter : std::exchange(name.waiting, {})) {
        if (!was_stopped) {
            waiter->answer = answer;
        }
        waiter->answered.set();
    }
    if (answer) {
        name.endpoints = *answer;
        name.until = after(context.loop->now(), options_.kept_max);
    } else {
        names_.erase(host);
    }
    co_return answer;
}

NameCache::Name* NameCache::name_of(const std::string& host, Instant now) {
    if (const auto known = names_.find(host); known != names_.end()) {
        return &known->second;
    }
    std::erase_if(names_, [&](const auto& each) {
        return !each.second.is_asked && each.second.until <= now;
    });
    if (names_.size() >= options_.names_max) {
        auto first = names_.end();
        for (auto each = names_.begin(); each != names_.end(); ++each) {
            const bool is_earlier =
                first == names_.end() || each->second.until < first->second.until;
            if (!each->second.is_asked && is_earlier) {
                first = each;
            }
        }
        if (first == names_.end()) {
            return nullptr;
        }
        names_.erase(first);
    }
    return &names_[host];
}

}  // namespace sluice
