// Kernel: a loop on the real kernel, with operations that can be made to fail.
//
// All loops of a process use one ring after the other's end: a ring is memory that the kernel takes
// back late, and a test that made hundreds would run out of what it may lock.
//
// Threading:    The first thread that used one, in each process.

#pragma once

#include "sluice/runtime/block_on.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/uring_backend.h"
#include "sluice/tests/support/faulty_backend.h"

#include <unistd.h>

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
    static UringBackend& ring() {
        static std::unique_ptr<UringBackend> ring;
        static pid_t owner = 0;
        if (std::exchange(owner, ::getpid()) != ::getpid()) {
            ring.release();  // Of the process that this one was forked from.
            ring = UringBackend::create().value();
        }
        return *ring;
    }

    FaultyBackend faulty_{ring()};
    Loop loop_{faulty_};
};

template <typename T>
T on_kernel(Task<T> task) {
    Kernel kernel;
    return kernel.run(std::move(task));
}

}  // namespace sluice::tests
