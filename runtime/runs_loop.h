// RunsLoop: marks this thread as running a loop, for as long as it lives.
//
// Errors:       Aborts if the thread does so already: the outer loop would wait for the inner one,
//               which can wait for what only the outer one can bring about.

#pragma once

namespace sluice {

class RunsLoop {
public:
    RunsLoop() noexcept;
    RunsLoop(RunsLoop&&) = delete;
    ~RunsLoop();

    // Whether this thread runs one now.
    [[nodiscard]] static bool here() noexcept;

    // Says that block_on() cannot be called inside a task, and aborts.
    [[noreturn]] static void refuse() noexcept;
};

}  // namespace sluice
