// ConnectorLayer: makes a Connector that works over another one: TLS over TCP.

#pragma once

#include "sluice/runtime/loop.h"
#include "sluice/runtime/transport.h"

#include <functional>
#include <memory>

namespace sluice {

// What it yields borrows both.
using ConnectorLayer = std::function<std::unique_ptr<Connector>(Loop& loop, Connector& beneath)>;

}  // namespace sluice
