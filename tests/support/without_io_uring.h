// without_io_uring(): runs a function on a thread whose kernel answers io_uring_setup with an
// error, by a seccomp filter as container engines set it.

#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace sluice::tests {

// Which calls are answered with an error: those of which an argument, masked, has this value.
struct RefusedCall {
    std::uint32_t number;
    std::uint32_t argument = 0;
    std::uint32_t mask = 0;  // 0: all of them.
    std::uint32_t value = 0;
    int error = 0;
};

// On this thread, from now on.
inline bool refuse(const RefusedCall& call) {
    const auto refused = static_cast<std::uint32_t>(call.error) & SECCOMP_RET_DATA;
    const auto place = static_cast<std::uint32_t>(offsetof(seccomp_data, args) +
                                                  call.argument * sizeof(std::uint64_t));
    std::array<sock_filter, 7> filter{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, place),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, call.mask),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refused),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

template <typename Function>
void without(const RefusedCall& call, Function function) {
    std::thread thread([&] {
        if (refuse(call)) {
            function();
        }
    });
    thread.join();
}

template <typename Function>
void without_io_uring(int error, Function function) {
    without({.number = __NR_io_uring_setup, .error = error}, function);
}

}  // namespace sluice::tests
