// stopped_accept: takes connections in until it is asked to stop, and what has come by then: as a
// server does that drains.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/transport.h"

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::tests {

struct Taken {
    std::vector<std::unique_ptr<Transport>> connections;
    Error end;
    Duration after_stop{};  // How long it went on.
};

struct StopAt {
    StopSource source;
    Instant requested = never;
};

inline Task<bool> stop_after(Loop& loop, Duration time, StopAt& stop) {
    const bool passed = co_await sleep_for(time);
    stop.requested = loop.now();
    stop.source.request();
    co_return passed;
}

inline Task<Taken> accept_all(Loop& loop, Acceptor& acceptor, StopAt& stop) {
    Taken taken;
    while (true) {
        Under<Result<std::unique_ptr<Transport>>> next(&stop.source, acceptor.accept());
        Result<std::unique_ptr<Transport>> connection = co_await next;
        if (!connection) {
            taken.end = connection.error();
            taken.after_stop = loop.now() - stop.requested;
            co_return taken;
        }
        taken.connections.push_back(std::move(*connection));
    }
}

inline Task<Taken> accept_and_stop(Loop& loop, Acceptor& acceptor, Duration after) {
    StopAt stop;
    auto [passed, taken] =
        co_await when_all(stop_after(loop, after, stop), accept_all(loop, acceptor, stop));
    std::ignore = passed;
    co_return std::move(taken);
}

inline Task<> close_all(Taken& taken) {
    for (const std::unique_ptr<Transport>& each : taken.connections) {
        co_await each->close(Ending::orderly);
    }
}

}  // namespace sluice::tests
