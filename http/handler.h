// Handler: what a server calls for every request.

#pragma once

#include "sluice/http/request.h"
#include "sluice/http/responder.h"
#include "sluice/runtime/task.h"

#include <functional>

namespace sluice::http {

// Both references are valid until the task ends.
using Handler = std::function<Task<>(Request&, Responder&)>;

}  // namespace sluice::http
