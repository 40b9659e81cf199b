// Plan: what the two applications of one exchange mean to do, if nothing goes wrong.

#pragma once

#include "sluice/http/method.h"
#include "sluice/http/outcome.h"
#include "sluice/http/status.h"
#include "sluice/runtime/clock.h"
#include "sluice/tests/simulation/script.h"

#include <cstdint>

namespace sluice::campaign {

enum class Host : std::uint8_t { origin, proxy, store, raw };

enum class RequestContent : std::uint8_t { none, with_length, chunked, brought };
enum class ResponseContent : std::uint8_t { whole, with_length, chunked };
enum class Reading : std::uint8_t { all, none, some, after_answer };

struct Plan {
    Host to = Host::origin;
    http::Method method = http::Method::get;
    RequestContent request = RequestContent::none;
    std::uint64_t request_octets = 0;
    std::uint64_t piece_octets_max = 4096;  // That the client writes at once.
    bool expects_continue = false;
    bool closes = false;
    bool fetches = false;        // By fetch(), where the client has nothing to write.
    bool both_at_once = false;   // Writes and reads at the same time.
    bool skips_content = false;  // Of the response.
    Duration think{0};           // Before it is asked.

    Reading reading = Reading::all;
    http::Status status = http::Status::ok;
    ResponseContent response = ResponseContent::whole;
    std::uint64_t response_octets = 0;
    std::uint64_t response_piece_octets_max = 4096;
    Duration work{0};  // Of the handler, before it answers.
    bool hints = false;
    bool handler_closes = false;
    http::DeliveryLevel wanted = http::DeliveryLevel::none;  // none: it does not ask.

    // What the two contents are made from.
    std::uint64_t request_seed = 0;
    std::uint64_t response_seed = 0;
};

[[nodiscard]] Plan plan_of(const Script& script, Workload workload, std::uint32_t number);

}  // namespace sluice::campaign
