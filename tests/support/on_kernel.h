// Kernel: a loop on the real kernel, with operations that can be made to fail.

#pragma once

#include "sluice/runtime/block_on.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/uring_backend.h"
#include "sluice/tests/support/faulty_backend.h"

#include <memory>
#include <utility>

namespace sluice::tests {

class Kernel {
public:
    FaultyBackend& backend() noexcept { return faulty_; }
    Loop& loop() noexcept { return loop_; }

    template <typename T>
    T run(Task<T> task) {
        return block_on(loop_, std::move(task));
    }

private:
    std::unique_ptr<UringBackend> ring_ = UringBackend::create().value();
    FaultyBackend faulty_{*ring_};
    Loop loop_{faulty_};
};

template <typename T>
T on_kernel(Task<T> task) {
    Kernel kernel;
    return kernel.run(std::move(task));
}

}  // namespace sluice::tests
