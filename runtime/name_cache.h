// NameCache: the addresses of names, asked for once and kept for a while.
//
// A client that opens many connections to one host asks for its addresses once: whoever asks while
// the question is under way waits for the same answer. The system's resolver tells no lifetime, so
// an answer is kept as long as the options say; a failure is not kept, but told to all who waited.
//
// Ownership:    Outlives the tasks that ask it.
// Completion:   As resolve().
// Cancellation: Who waits for another's question is stopped at once; who asks, as of resolve(), and
//               one of those who waited then asks again.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/resolver.h"
#include "sluice/runtime/task.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice {

struct NameCacheOptions {
    std::size_t names_max = 1024;  // The one that would end first makes room.
    Duration kept_max = std::chrono::seconds(60);
};

class NameCache {
public:
    using Endpoints = std::vector<Endpoint>;
    using LookUp = std::function<Task<Result<Endpoints>>(std::string host, std::uint16_t port)>;

    // `look_up` is another name service than the system's, or a test's.
    explicit NameCache(const NameCacheOptions& options = {}, LookUp look_up = &sluice::resolve)
        : options_(options), look_up_(std::move(look_up)) {}
    NameCache(NameCache&&) = delete;
    ~NameCache();

    [[nodiscard]] Task<Result<Endpoints>> resolve(std::string host, std::uint16_t port);

    [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }

private:
    struct Waiter;

    struct Name {
        Endpoints endpoints;
        Instant until{};  // They are kept.
        bool is_asked = false;
        std::vector<Waiter*> waiting;
    };

    // Null: there is no room, since all names are being asked for.
    [[nodiscard]] Name* name_of(const std::string& host, Instant now);
    [[nodiscard]] Task<Result<Endpoints>> ask(Name& name, std::string host);

    NameCacheOptions options_;
    LookUp look_up_;
    std::unordered_map<std::string, Name> names_;
};

}  // namespace sluice
