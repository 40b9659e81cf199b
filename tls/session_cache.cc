#include "sluice/tls/session_cache.h"

#include "sluice/tls/peer_certificate.h"

#include <utility>

namespace sluice::tls {

void SessionCache::keep(const std::string& origin, KeptSession kept) {
    if (origins_max_ == 0 || SSL_SESSION_is_resumable(kept.session.get()) != 1) {
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
    std::deque<KeptSession>& sessions = by_use_.front().sessions;
    sessions.push_back(std::move(kept));
    if (sessions.size() > per_origin_max) {
        sessions.pop_front();
    }
}

KeptSession SessionCache::take(const std::string& origin, Instant now) {
    const auto known = by_name_.find(origin);
    if (known == by_name_.end()) {
        return {};
    }
    by_use_.splice(by_use_.begin(), by_use_, known->second);
    std::deque<KeptSession>& sessions = by_use_.front().sessions;
    std::erase_if(sessions, [now](const KeptSession& each) {
        return now >= after(each.proven, proven_for_max) || peer_has_expired(*each.session);
    });
    KeptSession newest;
    if (!sessions.empty()) {
        newest = std::move(sessions.back());
        sessions.pop_back();
    }
    if (newest.session != nullptr &&
        SSL_SESSION_get_protocol_version(newest.session.get()) == TLS1_2_VERSION) {
        SSL_SESSION_up_ref(newest.session.get());
        sessions.push_back({OwnedSession(newest.session.get()), newest.proven});
    }
    if (sessions.empty()) {
        by_name_.erase(known);
        by_use_.pop_front();
    }
    return newest;
}

}  // namespace sluice::tls
