// SessionCache: what servers gave a client to come back with, by origin.
//
// A session that is resumed saves the certificates, a signature and, with TLS 1.2, a round trip. A
// session of TLS 1.3 is used once (so that nobody can tell that two connections are of the same
// client); one of TLS 1.2 again and again. What a server proved with the first of a row of sessions
// it need not prove with those that follow: so the row ends after a week, or with its certificate.
//
// Ownership:    Shared by a connector and its connections, to whom sessions come late.
// Threading:    The loop's thread.
// Source:       RFC 8446 2.2, 4.6.1, C.4; RFC 5077.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/tls/openssl_objects.h"

#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::tls {

struct KeptSession {
    OwnedSession session;
    Instant proven = never;  // When the server last showed a certificate and signed.
};

class SessionCache {
public:
    explicit SessionCache(std::size_t origins_max) noexcept : origins_max_(origins_max) {}

    void keep(const std::string& origin, KeptSession kept);

    // The newest that is still good, or one without a session.
    [[nodiscard]] KeptSession take(const std::string& origin, Instant now);

    [[nodiscard]] std::size_t origins() const noexcept { return by_use_.size(); }

private:
    // A server of TLS 1.3 gives two or more with each connection.
    static constexpr std::size_t per_origin_max = 4;
    static constexpr Duration proven_for_max = std::chrono::hours(7 * 24);

    struct Origin {
        std::string name;
        std::deque<KeptSession> sessions;
    };

    std::size_t origins_max_;
    std::list<Origin> by_use_;  // The last used first.
    std::unordered_map<std::string_view, std::list<Origin>::iterator> by_name_;
};

}  // namespace sluice::tls
