// Operation: one request to the world outside this process, from submission to its last completion.
//
// Ownership:    The submitter owns the Operation and everything its request points to, and keeps
//               both at the same address until the last completion. Backends only borrow.
// Completion:   One-shot requests complete once. Accept and Receive are multishot: they complete
//               many times and end with the completion that has `more == false`. complete() does
//               bookkeeping only: it may queue a coroutine, submit and cancel, but resumes nothing.
// Cancellation: A request to finish early. The operation still completes, and may yet succeed:
//               with octets, a descriptor, or a positive partial count. Never infer "nothing
//               happened" from a cancel.
// Threading:    The loop's thread.
// Source:       io_uring(7), io_uring_prep_cancel(3).

#pragma once

#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/received.h"
#include "sluice/runtime/sealing_keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

namespace sluice {

// Multishot. Each completion carries the descriptor of one accepted connection.
struct Accept {
    int listener;
};

struct Connect {
    int fd;
    const Endpoint* to;
};

// Multishot, into buffers of the backend's pool. A completion carries a Received, or 0 at the
// peer's FIN, or an error; the last two are final. Ends at will, also without a reason: re-arm.
struct Receive {
    int fd;
};

// Sends every octet of `parts` (at most send_parts_max), or ends early with what it had sent.
struct Send {
    int fd;
    std::span<const iovec> parts;
    // Where the kernel seals (kernel_sealing.h): of what the records are. Stays, as the parts do.
    const RecordType* record_type = nullptr;
};

inline constexpr std::size_t send_parts_max = 8;

// Readiness of any descriptor; `events` and the result are poll(2)'s. POLLRDHUP tells a FIN (8192)
// from a reset (8216) even past unread octets; it, POLLHUP and POLLERR are told unasked. So a poll
// that begins after a FIN ends at once: whoever waits for a reset behind it has a multishot one,
// which completes whenever what there is to tell has changed, and perhaps more often.
struct Poll {
    int fd;
    std::uint32_t events;
    bool multishot = false;
};

struct Open {
    const char* path;
    int flags;
    mode_t mode;
};

// An offset that is none, as io_uring has it: the descriptor's own position, if it has one.
inline constexpr std::uint64_t own_position = ~std::uint64_t{0};

// What one Read or Write may move at most: its result is a positive 32-bit number.
inline constexpr std::size_t operation_octets_max = std::size_t{1} << 30;

struct Read {
    int fd;
    std::span<std::byte> into;
    std::uint64_t offset;
};

struct Write {
    int fd;
    std::span<const std::byte> from;
    std::uint64_t offset;
};

struct Sync {
    int fd;
};

// Gives an unnamed file (O_TMPFILE) its name. Fails with EEXIST.
struct Link {
    int fd;
    const char* path;
};

struct Rename {
    const char* from;
    const char* to;
};

struct Remove {
    const char* path;
};

struct ReadStatus {
    int fd;
    struct statx* into;
};

using Request = std::variant<Accept, Connect, Receive, Send, Poll, Open, Read, Write, Sync, Link,
                             Rename, Remove, ReadStatus>;

struct Completion {
    std::int32_t result;  // Octets, a descriptor, events or 0; or a negated errno.
    bool more = false;    // More completions of the same operation follow.
    Received received{};  // Of Receive only, when result > 0.
};

class Operation {
public:
    explicit Operation(const Request& wanted) noexcept : request(wanted) {}
    Operation(Operation&&) = delete;

    // Called by the backend, from inside Backend::wait() alone.
    virtual void complete(Completion completion) noexcept = 0;

    Request request;

    // Whether a completion is still to come, and who holds it till then. Kept by the backend:
    // `parked` waits in the backend for room or buffers, and the kernel has not heard of it.
    enum class State : std::uint8_t { idle, in_flight, cancelling, parked };
    State state = State::idle;

    // The link of the one backend list that the operation is in.
    Operation* next = nullptr;

protected:
    ~Operation() { ensure(state == State::idle); }
};

}  // namespace sluice
