#include "sluice/tls/session_cache.h"

#include <utility>

namespace sluice::tls {

void SessionCache::keep(const std::string& origin, OwnedSession session) {
    if (origins_max_ == 0 || SSL_SESSION_is_resumable(session.get()) != 1) {
        return;
    }
    const auto known = by_name_.find(origin);
    if (known != by_name_.end()) {
        by_use_.splice(by_use_.begin(), by_use_, known->second);
    } else {
        if (by_use_.size() == origins_max_) {
            by_name_.erase(by_use_.back().name);
            by_use_.pop_back();
        }
        by_use_.push_front({origin, {}});
        by_name_.emplace(by_use_.front().name, by_use_.begin());
    }
    std::deque<OwnedSession>& sessions = by_use_.front().sessions;
    sessions.push_back(std::move(session));
    if (sessions.size() > per_origin_max) {
        sessions.pop_front();
    }
}

OwnedSession SessionCache::take(const std::string& origin) {
    const auto known = by_name_.find(origin);
    if (known == by_name_.end()) {
        return nullptr;
    }
    by_use_.splice(by_use_.begin(), by_use_, known->second);
    std::deque<OwnedSession>& sessions = by_use_.front().sessions;
    OwnedSession newest = std::move(sessions.back());
    sessions.pop_back();
    if (SSL_SESSION_get_protocol_version(newest.get()) == TLS1_2_VERSION) {
        SSL_SESSION_up_ref(newest.get());
        sessions.emplace_back(newest.get());
    }
    if (sessions.empty()) {
        by_name_.erase(known);
        by_use_.pop_front();
    }
    return newest;
}

}  // namespace sluice::tls
