// Layers: what is laid over TCP, on both sides of a test: TLS, or nothing.

#pragma once

#include "sluice/runtime/loop.h"
#include "sluice/runtime/transport.h"

#include <functional>
#include <memory>

namespace sluice::tests {

struct Layers {
    std::function<std::unique_ptr<Acceptor>(Loop&, Acceptor&)> over_acceptor = {};
    std::function<std::unique_ptr<Connector>(Loop&, Connector&)> over_connector = {};
};

}  // namespace sluice::tests
