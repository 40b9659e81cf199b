// sentence(): an outcome as one sentence, for the person who waits for it.
//
// It begins with the verdict, says how far things got and who ended them, and what may be done
// next. It claims what the record proves, so "sent" is what this host's kernel accepted.

#pragma once

#include "sluice/http/method.h"
#include "sluice/http/outcome.h"

#include <string>

namespace sluice::http {

// Without the request's method it says under which condition a retry is safe, not whether.
[[nodiscard]] std::string sentence(const Outcome& outcome, Method method = Method::other);

}  // namespace sluice::http
