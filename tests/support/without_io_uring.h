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

inline bool forbid_io_uring(int error) {
    const auto refused = static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA;
    std::array<sock_filter, 4> filter{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refused),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

template <typename Function>
void without_io_uring(int error, Function function) {
    std::thread thread([&] {
        if (forbid_io_uring(error)) {
            function();
        }
    });
    thread.join();
}

}  // namespace sluice::tests
