#include "sluice/tests/simulation/checks.h"

#include "sluice/http/verdict.h"

#include <algorithm>

namespace sluice::campaign {

void check_durable(const CaseFile& file, Found& found) {
    for (const Stored& stored : file.evidence.stored) {
        if (stored.confirmed_at >= file.evidence.crashed_at) {
            continue;
        }
        const bool survived = std::ranges::any_of(
            file.evidence.survivors, [&](const auto& each) { return each.first == stored.path; });
        if (!survived) {
            found.push_back(stored.path + " was confirmed, and is gone");
        }
    }
}

void check_objects_whole(const CaseFile& file, Found& found) {
    for (const auto& [path, content] : file.evidence.survivors) {
        const bool is_whole = std::ranges::any_of(file.evidence.stored, [&](const Stored& stored) {
            return stored.path == path && stored.is_whole && stored.octets == content.size() &&
                   stored.digest == digest_of(content);
        });
        if (!is_whole) {
            found.push_back(path + " holds " + std::to_string(content.size()) +
                            " octets that nobody stored");
        }
    }
}

void check_proxy(const CaseFile& file, Found& found) {
    for (const Attempt& attempt : file.attempts) {
        const Handling* const handling = file.handling_of(attempt.key);
        if (handling == nullptr || handling->at != Host::proxy || handling->own_answer ||
            !handling->upstream || attempt.outcome->receive.phase != http::ReceivePhase::complete ||
            attempt.outcome->status != handling->status) {
            continue;
        }
        const Call& upstream = file.evidence.calls[*handling->upstream];
        if (upstream.outcome.receive.phase != http::ReceivePhase::complete ||
            upstream.outcome.receive.body != handling->sent.octets) {
            found.push_back(at(attempt.key) + "complete, though its origin's answer was not");
        }
    }
}

}  // namespace sluice::campaign
