// on_simulator: the answer of one task, run in a simulated world without faults.

#pragma once

#include "sluice/runtime/block_on.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/runtime/task.h"

#include <utility>

namespace sluice::tests {

template <typename T>
T on_simulator(Task<T> task) {
    simulation::SimulatedBackend backend;
    Loop loop(backend);
    return block_on(loop, std::move(task));
}

}  // namespace sluice::tests
