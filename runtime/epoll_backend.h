// EpollBackend: operations by epoll and non-blocking calls, where io_uring is forbidden or absent.
//
// A descriptor is watched once, for all that may happen to it and for changes alone. What is known
// of it decides whether an operation is tried in the next wait() or waits for a change; the calls
// are made in wait(), and what they yield is reported from there, as io_uring would. Files have no
// readiness: what is not in the kernel's memory goes to the worker pool.
//
// Ownership:    Owns the receive buffers. Nothing may be in flight when it is destroyed. One
//               operation of a kind (receiving, sending, polling) may be in flight on a descriptor.
// Cancellation: Always wins on sockets, but for the octets that were sent by then. On a file never.
// Threading:    Created, used and destroyed on one thread, but for wake().
// Source:       epoll(7), openat2(2), preadv2(2).

#pragma once

#include "sluice/runtime/buffer_stock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/file_jobs.h"
#include "sluice/runtime/kernel_backend.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/operation_queue.h"
#include "sluice/runtime/received.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

struct EpollOptions {
    unsigned receive_buffers = 256;  // This bounds what a loop's input can take.
    unsigned receive_buffer_octets = 64 * 1024;
};

class EpollBackend final : public KernelBackend, private BufferPool {
public:
    [[nodiscard]] static Result<std::unique_ptr<EpollBackend>> create(
        const EpollOptions& options = {});
    EpollBackend(EpollBackend&&) = delete;
    ~EpollBackend();

    void submit(Operation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;
    void wait(Instant until) noexcept override;
    void wake() noexcept override;
    [[nodiscard]] Result<int> open_socket(int family) noexcept override;
    [[nodiscard]] Result<int> listen(const Endpoint& at,
                                     const ListenOptions& options) noexcept override;
    void close(int fd, Ending ending) noexcept override;
    void close_file(int fd, Closing closing) noexcept override;
    [[nodiscard]] int descriptor() noexcept override { return epoll_fd_; }
    [[nodiscard]] bool has_work() const noexcept override;
    [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }

private:
    // What is known of a descriptor, and what waits for it.
    struct Descriptor {
        Operation* reader = nullptr;  // Accept, Receive, or a Read of what has no offset.
        Operation* writer = nullptr;  // Connect or Send.
        Operation* poller = nullptr;
        std::size_t sent = 0;  // Of the writer's octets.
        bool watched = false;
        bool connecting = false;
        bool readable = true;  // As far as we know: so until a call says otherwise.
        bool writable = true;
        bool ending = false;  // An end was seen: a short read does not mean that nothing follows.
    };

    // Completions that no call brought about.
    struct Ended {
        Operation* operation;
        std::int32_t result;
    };

    EpollBackend() noexcept = default;
    Result<void> set_up(const EpollOptions& options);
    void give_back(std::uint16_t buffer_id) noexcept override { buffers_.put(buffer_id); }

    Descriptor& descriptor(int fd);
    [[nodiscard]] bool watch(int fd) noexcept;
    void forget(int fd) noexcept;
    [[nodiscard]] bool is_file(const Request& request) noexcept;

    void end_cancelled(Operation& operation) noexcept;
    void try_queued() noexcept;
    void try_operation(Operation& operation) noexcept;
    void try_accept(Operation& operation, int listener) noexcept;
    void try_connect(Operation& operation, const Connect& connect) noexcept;
    void try_receive(Operation& operation, int fd) noexcept;
    void try_send(Operation& operation, const Send& send) noexcept;
    void try_poll(Operation& operation, const Poll& poll) noexcept;
    void try_read(Operation& operation, const Read& read) noexcept;
    void finish(Operation& operation, int fd, std::int32_t result) noexcept;
    void report(Operation& operation, Completion completion) noexcept;
    void deliver_ended() noexcept;
    void take_changes(Instant until) noexcept;
    void changed(int fd, std::uint32_t events) noexcept;

    int epoll_fd_ = -1;
    int wake_fd_ = -1;
    std::size_t reported_ = 0;  // Completions, in this wait().
    bool woken_ = false;
    BufferStock buffers_;
    std::vector<Descriptor> descriptors_;  // By number.
    OperationQueue to_try_;                // In the next wait(),
    OperationQueue trying_;                // and in this one.
    OperationQueue waiting_for_buffers_;
    std::vector<Ended> ended_;
    std::vector<Ended> delivering_;
    FileJobs files_{*this};
};

}  // namespace sluice
