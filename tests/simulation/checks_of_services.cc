#include "sluice/tests/simulation/checks.h"

#include "sluice/http/verdict.h"

#include <algorithm>

namespace sluice::campaign {

namespace {

bool is_content_of(const Stored& stored, const std::string& content) {
    return stored.octets == content.size() && stored.digest == digest_of(content);
}

}  // namespace

// The crash may have left any version that was not replaced by one confirmed later.
void check_durable(const CaseFile& file, Found& found) {
    const Evidence& evidence = file.evidence;
    for (const Stored& stored : evidence.stored) {
        if (stored.confirmed_at >= evidence.crashed_at) {
            continue;
        }
        const auto survivor = evidence.survivors.find(stored.name);
        if (survivor == evidence.survivors.end()) {
            found.push_back(stored.name + " was confirmed, and is gone");
            continue;
        }
        const bool is_older = std::ranges::none_of(evidence.stored, [&](const Stored& other) {
            return other.name == stored.name && other.confirmed_at >= stored.began &&
                   is_content_of(other, survivor->second);
        });
        if (is_older) {
            found.push_back(stored.name + " was confirmed, and is not what it was then");
        }
    }
}

void check_objects_whole(const CaseFile& file, Found& found) {
    for (const auto& [path, content] : file.evidence.survivors) {
        const bool is_whole = std::ranges::any_of(file.evidence.stored, [&](const Stored& stored) {
            return stored.name == path && stored.is_whole && is_content_of(stored, content);
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
