// death_of(): what a process says that an invariant stops.
//
// Runs `act` in a child process. Yields what it wrote to its standard error before it aborted;
// nothing, if it did not abort.

#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <string>

namespace sluice::tests {

template <typename Act>
std::optional<std::string> death_of(Act act) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        return std::nullopt;
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        std::signal(SIGABRT, SIG_DFL);  // The test framework's own handler stays out of it.
        act();
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string said;
    std::array<char, 4096> piece{};
    for (ssize_t count = 0; (count = ::read(ends[0], piece.data(), piece.size())) > 0;) {
        said.append(piece.data(), static_cast<std::size_t>(count));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
        return std::nullopt;
    }
    return said;
}

}  // namespace sluice::tests
