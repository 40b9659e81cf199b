// UringBackend: operations by io_uring.
//
// One ring for one loop, used by one thread, with completions run only when we ask for them: that
// and one kernel entry a turn is most of what makes it fast. Receives are multishot and take
// buffers from a ring that all connections share. What the kernel has no room for is parked here
// and goes in later, in order; its cancellation is then answered here too.
//
// Ownership:    Owns the ring and the receive buffers. Nothing may be in flight when it is
//               destroyed.
// Errors:       create() says why a ring cannot be had: io_uring may be forbidden (EPERM), absent,
//               or too old to have buffer rings (ENOSYS): then an epoll backend can serve.
// Threading:    Created, used and destroyed on one thread, but for wake().
// Source:       io_uring(7), io_uring_setup(2), io_uring_register_buf_ring(3).

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/kernel_backend.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/operation_queue.h"
#include "sluice/runtime/receive_buffers.h"

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

// What kernels learned one by one, from which release on. Of what is on here, the backend uses what
// the kernel has, and does without the rest; a test switches each off. Sends copy on every kernel:
// SEND_ZC lost wherever it was measured.
struct UringFeatures {
    bool cooperative_work = true;   // 5.19: COOP_TASKRUN, SUBMIT_ALL.
    bool multishot_accept = true;   // 5.19. Without it each connection costs a submission.
    bool single_issuer = true;      // 6.0: SINGLE_ISSUER.
    bool multishot_receive = true;  // 6.0. Without it each receive costs a submission.
    bool deferred_work = true;      // 6.1: DEFER_TASKRUN, where there is a single issuer.
};

struct UringOptions {
    unsigned submissions_max = 1024;  // Entries of the submission queue.
    unsigned completions_max = 8192;  // Beyond it the kernel keeps a list of its own.
    unsigned receive_buffers = 256;   // A power of two. This bounds what a loop's input can take.
    unsigned receive_buffer_octets = 64 * 1024;
    UringFeatures features = {};
};

class UringBackend final : public KernelBackend {
public:
    [[nodiscard]] static Result<std::unique_ptr<UringBackend>> create(
        const UringOptions& options = {});
    UringBackend(UringBackend&&) = delete;
    ~UringBackend();

    void submit(Operation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;
    void wait(Instant until) noexcept override;
    void wake() noexcept override;
    [[nodiscard]] Result<int> open_socket(int family) noexcept override;
    [[nodiscard]] Result<int> listen(const Endpoint& at,
                                     const ListenOptions& options) noexcept override;
    void close(int fd, Ending ending) noexcept override;
    void close_file(int fd, Closing closing) noexcept override;
    [[nodiscard]] int descriptor() noexcept override;
    [[nodiscard]] bool has_work() const noexcept override;
    [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }

private:
    // What an entry points to besides its operation, until the kernel has taken the entry.
    struct Slot {
        msghdr message{};
        char path[32]{};
    };

    UringBackend() noexcept = default;
    Result<void> set_up(const UringOptions& options);
    void probe() noexcept;

    // Null when the queue is full and the kernel takes nothing at the moment.
    io_uring_sqe* entry() noexcept;
    void watch_beside(const Request& request) noexcept;
    bool start(Operation& operation) noexcept;
    void park(Operation& operation) noexcept;
    bool start_cancel(Operation& operation) noexcept;
    void prepare(io_uring_sqe& entry, const Request& request) noexcept;
    void prepare_send(io_uring_sqe& entry, const Send& send) noexcept;
    void prepare_file(io_uring_sqe& entry, const Request& request) noexcept;
    Slot& slot_of(const io_uring_sqe& entry) noexcept;
    void arm_wake() noexcept;

    void submit_parked() noexcept;
    void enter_kernel(Instant until) noexcept;
    void reap() noexcept;
    void complete(const io_uring_cqe& completed) noexcept;
    [[nodiscard]] bool begins_again(const Operation& operation, std::int32_t result) const noexcept;

    io_uring ring_{};
    bool ring_exists_ = false;
    UringFeatures features_;
    std::vector<Slot> slots_;
    ReceiveBuffers buffers_;
    OperationQueue waiting_for_room_;     // Not in the kernel: the submission queue was full.
    OperationQueue waiting_for_buffers_;  // Not in the kernel: no receive buffer was left.
    OperationQueue to_cancel_;            // In the kernel; their cancels found no room.
    OperationQueue cancelled_;            // Cancelled while parked: to be completed by wait().
    int wake_fd_ = -1;
    bool wake_armed_ = false;
    int ready_event_ = -1;  // Signalled by the kernel at completions,
    int ready_fd_ = -1;     // for who waits for this elsewhere.
};

}  // namespace sluice
