// SessionCache: what servers gave a client to come back with, by origin.
//
// A session that is resumed saves the certificates, a signature and, with TLS 1.2, a round trip. A
// session of TLS 1.3 is used once (so that nobody can tell that two connections are of the same
// client); one of TLS 1.2 again and again.
//
// Ownership:    Shared by a connector and its connections, to whom sessions come late.
// Threading:    The loop's thread.
// Source:       RFC 8446 2.2, C.4; RFC 5077.

#pragma once

#include "sluice/tls/openssl_objects.h"

#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::tls {

class SessionCache {
public:
    explicit SessionCache(std::size_t origins_max) noexcept : origins_max_(origins_max) {}

    void keep(const std::string& origin, OwnedSession session);

    // The newest, or none.
    [[nodiscard]] OwnedSession take(const std::string& origin);

    [[nodiscard]] std::size_t origins() const noexcept { return by_use_.size(); }

private:
    // A server of TLS 1.3 gives two or more with each connection.
    static constexpr std::size_t per_origin_max = 4;

    struct Origin {
        std::string name;
        std::deque<OwnedSession> sessions;
    };

    std::size_t origins_max_;
    std::list<Origin> by_use_;  // The last used first.
    std::unordered_map<std::string_view, std::list<Origin>::iterator> by_name_;
};

}  // namespace sluice::tls
