// in_child(): what a function yields that runs in a child process, where it may give up rights and
// limits that the test itself still needs.

#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace sluice::tests {

// The function's answer, from 0 to 255; below zero if the process ended otherwise. Checks that fail
// in there throw, which ends it so.
template <typename Function>
int in_child(Function function) {
    const pid_t child = ::fork();
    if (child == 0) {
        int answer = 255;
        try {
            answer = function();
        } catch (...) {
            answer = 254;
        }
        ::_exit(answer);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace sluice::tests
