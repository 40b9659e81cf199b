// OutcomeLog: what became of every exchange of a server, as lines of JSON, with what was asked for.
//
// An outcome knows nothing of methods and targets, and some exchanges never get as far as having
// one. So handlers are wrapped: the log notes what each was asked, by the exchange's number, and
// puts that into the outcome with the same number.
//
// Ownership:    Outlives the servers that it observes. Owns its descriptor, but not standard
//               output.
// Errors:       A line that cannot be written is lost: the service goes first.
// Threading:    Any thread; one log for all loops.

#pragma once

#include "sluice/http/outcome.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/http/request.h"
#include "sluice/http/server.h"
#include "sluice/runtime/error.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sluice::examples {

class OutcomeLog final : public http::OutcomeObserver {
public:
    // Appends to the file at `path`; "-" is standard output.
    [[nodiscard]] static Result<std::unique_ptr<OutcomeLog>> open(const std::string& path);

    explicit OutcomeLog(int fd) noexcept : fd_(fd) {}
    OutcomeLog(OutcomeLog&&) = delete;
    ~OutcomeLog() override;

    // The same handler, with the log knowing what it was asked.
    [[nodiscard]] http::Handler watch(http::Handler handler);

    void exchange_ended(const http::Outcome& outcome) override;

private:
    struct Asked {
        std::string method;
        std::string target;
    };

    void note(const http::Request& request);

    int fd_;
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, Asked> asked_;  // By the exchange's number.
};

}  // namespace sluice::examples
