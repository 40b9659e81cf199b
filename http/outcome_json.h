// to_json(): an outcome as one line of JSON, for logs and for tests.
//
// The keys, their order and their types are a contract, and the same on both sides. Times are whole
// microseconds since `queued`; what was not reached, not sampled or not declared is null.

#pragma once

#include "sluice/http/json.h"
#include "sluice/http/outcome.h"

#include <span>
#include <string>

namespace sluice::http {

// `attempts` are the outcomes of all attempts at the same request, in order, `outcome` being the
// last. Without them a client's outcome is its own only attempt; a server's has none.
[[nodiscard]] std::string to_json(const Outcome& outcome, std::span<const Outcome> attempts = {});

// The same, left open after its last member, for a caller that has more to say of the exchange.
void write_open_json(JsonWriter& json, const Outcome& outcome,
                     std::span<const Outcome> attempts = {});

}  // namespace sluice::http
