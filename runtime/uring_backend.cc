#include "sluice/runtime/uring_backend.h"

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/file_jobs.h"
#include "sluice/runtime/ring_setup.h"
#include "sluice/runtime/socket_calls.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

namespace sluice {

namespace {

// What user_data says when it is not an operation's address.
constexpr std::uint64_t tag_ignored = 0;
constexpr std::uint64_t tag_wake = 1;

std::uint64_t tag_of(const Operation& operation) noexcept {
    return reinterpret_cast<std::uintptr_t>(&operation);
}

__kernel_timespec timespec_of(Duration duration) noexcept {
    constexpr std::int64_t second = 1'000'000'000;
    return {duration.count() / second, duration.count() % second};
}

// A new ring may lie where another thread's was. The kernel puts one after the other, where no tool
// sees it; this says it again.
std::atomic<unsigned> rings_gone{0};

// The best first; an older kernel answers EINVAL to those that it does not know.
std::array<unsigned, 3> setup_flags(const UringFeatures& features) noexcept {
    unsigned common = 0;
    if (features.cooperative_work) {
        common = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL;
    }
    unsigned best = common;
    if (features.single_issuer) {
        best |= IORING_SETUP_SINGLE_ISSUER;
        best |= features.deferred_work ? IORING_SETUP_DEFER_TASKRUN : 0U;
    }
    return {best, common, 0};
}

}  // namespace

Result<std::unique_ptr<UringBackend>> UringBackend::create(const UringOptions& options) {
    std::unique_ptr<UringBackend> backend(new UringBackend());
    if (const Result<void> done = backend->set_up(options); !done) {
        return failed(done);
    }
    return backend;
}

Result<void> UringBackend::set_up(const UringOptions& options) {
    features_ = options.features;
    const auto attempt = [this](RingSize size) {
        int error = 0;
        for (const unsigned flags : setup_flags(features_)) {
            io_uring_params parameters{};
            parameters.flags = flags | IORING_SETUP_CQSIZE;
            parameters.cq_entries = size.completions;
            error = io_uring_queue_init_params(size.submissions, &ring_, &parameters);
            if (error != -EINVAL) {
                break;
            }
        }
        return error;
    };
    const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
    const int error =
        set_up_ring({options.submissions_max, options.completions_max}, attempt, pause);
    if (error < 0) {
        return std::unexpected(error_from_errno(-error, Phase::open));
    }
    ring_exists_ = true;
    static_cast<void>(rings_gone.load(std::memory_order_acquire));
    io_uring_register_ring_fd(&ring_);  // Saves a look-up for each entry; fine without.
    slots_.resize(ring_.sq.ring_entries);
    probe();

    wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd_ < 0) {
        return std::unexpected(error_from_errno(errno, Phase::open));
    }
    const Result<void> buffers =
        buffers_.set_up(ring_, options.receive_buffers, options.receive_buffer_octets);
    if (!buffers && buffers.error().os_errno == EINVAL) {
        return std::unexpected(error_from_errno(ENOSYS, Phase::open));  // It knows of none.
    }
    return buffers;
}

// Flags of an operation cannot be asked for; but operations can, and these came with the flags.
void UringBackend::probe() noexcept {
    io_uring_probe* const known = io_uring_get_probe_ring(&ring_);
    if (known == nullptr) {
        return;
    }
    features_.multishot_accept &= io_uring_opcode_supported(known, IORING_OP_SOCKET) != 0;
    features_.multishot_receive &= io_uring_opcode_supported(known, IORING_OP_SEND_ZC) != 0;
    io_uring_free_probe(known);
}

UringBackend::~UringBackend() {
    ensure(waiting_for_room_.empty());
    ensure(waiting_for_buffers_.empty());
    ensure(cancelled_.empty());
    ensure(to_cancel_.empty());
    if (ring_exists_) {
        io_uring_submit(&ring_);  // Closes that nobody waits for.
        rings_gone.fetch_add(1, std::memory_order_release);
        io_uring_queue_exit(&ring_);
    }
    for (const int fd : {wake_fd_, ready_event_, ready_fd_}) {
        if (fd >= 0) {
            ::close(fd);
        }
    }
}

void UringBackend::submit(Operation& operation) noexcept {
    ensure(operation.state == Operation::State::idle);
    if (waiting_for_room_.empty() && start(operation)) {
        return;
    }
    park(operation);
}

void UringBackend::park(Operation& operation) noexcept {
    operation.state = Operation::State::parked;
    waiting_for_room_.push(operation);
}

// Of what may be an event: see descriptor().
void UringBackend::watch_beside(const Request& request) noexcept {
    const auto* const poll = std::get_if<Poll>(&request);
    const auto* const read = std::get_if<Read>(&request);
    if (poll == nullptr && (read == nullptr || read->offset != own_position)) {
        return;
    }
    const int fd = poll != nullptr ? poll->fd : read->fd;
    const auto events = static_cast<std::uint32_t>(poll != nullptr ? poll->events : POLLIN);
    epoll_event event{.events = events | EPOLLET, .data = {}};
    if (epoll_ctl(ready_fd_, EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST) {
        epoll_ctl(ready_fd_, EPOLL_CTL_MOD, fd, &event);
    }
}

bool UringBackend::start(Operation& operation) noexcept {
    io_uring_sqe* const entry_or_null = entry();
    if (entry_or_null == nullptr) {
        return false;
    }
    if (ready_fd_ >= 0) [[unlikely]] {
        watch_beside(operation.request);
    }
    prepare(*entry_or_null, operation.request);
    io_uring_sqe_set_data64(entry_or_null, tag_of(operation));
    operation.state = Operation::State::in_flight;
    return true;
}

void UringBackend::cancel(Operation& operation) noexcept {
    switch (operation.state) {
        case Operation::State::idle:
        case Operation::State::cancelling: return;
        case Operation::State::parked:
            // The kernel would say that it knows of none.
            if (waiting_for_room_.remove(operation) || waiting_for_buffers_.remove(operation)) {
                cancelled_.push(operation);
            }
            return;
        case Operation::State::in_flight: break;
    }
    operation.state = Operation::State::cancelling;
    if (!start_cancel(operation)) {
        to_cancel_.push(operation);
    }
}

bool UringBackend::start_cancel(Operation& operation) noexcept {
    io_uring_sqe* const entry_or_null = entry();
    if (entry_or_null == nullptr) {
        return false;
    }
    io_uring_prep_cancel64(entry_or_null, tag_of(operation), 0);
    io_uring_sqe_set_data64(entry_or_null, tag_ignored);
    entry_or_null->flags |= IOSQE_CQE_SKIP_SUCCESS;
    return true;
}

io_uring_sqe* UringBackend::entry() noexcept {
    io_uring_sqe* free = io_uring_get_sqe(&ring_);
    if (free == nullptr) {
        io_uring_submit(&ring_);
        free = io_uring_get_sqe(&ring_);
    }
    return free;
}

UringBackend::Slot& UringBackend::slot_of(const io_uring_sqe& entry) noexcept {
    return slots_[static_cast<std::size_t>(&entry - ring_.sq.sqes)];
}

void UringBackend::prepare(io_uring_sqe& entry, const Request& request) noexcept {
    if (const auto* const receive = std::get_if<Receive>(&request)) {
        if (features_.multishot_receive) {
            io_uring_prep_recv_multishot(&entry, receive->fd, nullptr, 0, 0);
        } else {
            io_uring_prep_recv(&entry, receive->fd, nullptr, 0, 0);
        }
        entry.flags |= IOSQE_BUFFER_SELECT;
        entry.buf_group = ReceiveBuffers::group;
    } else if (const auto* const send = std::get_if<Send>(&request)) {
        prepare_send(entry, *send);
    } else if (const auto* const accept = std::get_if<Accept>(&request)) {
        io_uring_prep_accept(&entry, accept->listener, nullptr, nullptr, SOCK_CLOEXEC);
        entry.ioprio |= features_.multishot_accept ? IORING_ACCEPT_MULTISHOT : 0U;
    } else if (const auto* const connect = std::get_if<Connect>(&request)) {
        io_uring_prep_connect(&entry, connect->fd, connect->to->address(),
                              connect->to->address_octets());
    } else if (const auto* const poll = std::get_if<Poll>(&request)) {
        io_uring_prep_poll_add(&entry, poll->fd, poll->events);
        entry.len = poll->multishot ? IORING_POLL_ADD_MULTI : 0;
    } else {
        prepare_file(entry, request);
    }
}

void UringBackend::prepare_send(io_uring_sqe& entry, const Send& send) noexcept {
    ensure(!send.parts.empty());
    ensure(send.parts.size() <= send_parts_max);
    const RecordType* const type = send.record_type;
    const std::span control = type != nullptr ? type->control() : std::span<const std::byte>();
    // A kernel that seals refuses MSG_WAITALL: what it leaves is another operation's.
    const int flags = MSG_NOSIGNAL | (type != nullptr ? 0 : MSG_WAITALL);
    if (send.parts.size() == 1 && control.empty()) {
        const iovec& part = send.parts.front();
        io_uring_prep_send(&entry, send.fd, part.iov_base, part.iov_len, flags);
        return;
    }
    msghdr& message = slot_of(entry).message;
    message.msg_iov = const_cast<iovec*>(send.parts.data());
    message.msg_iovlen = send.parts.size();
    message.msg_control = const_cast<std::byte*>(control.data());
    message.msg_controllen = control.size();
    io_uring_prep_sendmsg(&entry, send.fd, &message, static_cast<unsigned>(flags));
}

void UringBackend::prepare_file(io_uring_sqe& entry, const Request& request) noexcept {
    if (const auto* const read = std::get_if<Read>(&request)) {
        io_uring_prep_read(&entry, read->fd, read->into.data(),
                           static_cast<unsigned>(read->into.size()), read->offset);
    } else if (const auto* const write = std::get_if<Write>(&request)) {
        io_uring_prep_write(&entry, write->fd, write->from.data(),
                            static_cast<unsigned>(write->from.size()), write->offset);
    } else if (const auto* const open = std::get_if<Open>(&request)) {
        io_uring_prep_openat(&entry, AT_FDCWD, open->path, open->flags | O_CLOEXEC, open->mode);
    } else if (const auto* const sync = std::get_if<Sync>(&request)) {
        io_uring_prep_fsync(&entry, sync->fd, 0);
    } else if (const auto* const link = std::get_if<Link>(&request)) {
        Slot& slot = slot_of(entry);
        std::snprintf(slot.path, sizeof slot.path, "/proc/self/fd/%d", link->fd);
        io_uring_prep_linkat(&entry, AT_FDCWD, slot.path, AT_FDCWD, link->path, AT_SYMLINK_FOLLOW);
    } else if (const auto* const rename = std::get_if<Rename>(&request)) {
        io_uring_prep_renameat(&entry, AT_FDCWD, rename->from, AT_FDCWD, rename->to, 0);
    } else if (const auto* const remove = std::get_if<Remove>(&request)) {
        io_uring_prep_unlinkat(&entry, AT_FDCWD, remove->path, 0);
    } else if (FileJobs::answer_at_once(request) == 0) {
        io_uring_prep_nop(&entry);  // A statx of the ring's would wake a thread of the kernel's.
    } else {
        const auto& status = std::get<ReadStatus>(request);
        io_uring_prep_statx(&entry, status.fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, status.into);
    }
}

// The count is never read: each write is told by the poll as an edge.
void UringBackend::arm_wake() noexcept {
    if (io_uring_sqe* const free = entry()) {
        io_uring_prep_poll_multishot(free, wake_fd_, POLLIN);
        io_uring_sqe_set_data64(free, tag_wake);
        wake_armed_ = true;
    }
}

void UringBackend::wake() noexcept {
    constexpr std::uint64_t one = 1;
    // It fails only where the count would overflow, and then the loop is awake.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void UringBackend::wait(Instant until) noexcept {
    if (ready_fd_ >= 0) {
        std::array<epoll_event, 64> told;  // What is signalled from here on is of what comes later.
        epoll_wait(ready_fd_, told.data(), static_cast<int>(told.size()), 0);
    }
    if (!wake_armed_) {
        arm_wake();
    }
    buffers_.publish();
    submit_parked();
    const bool must_not_wait = !cancelled_.empty() || !waiting_for_room_.empty() ||
                               !to_cancel_.empty() || io_uring_cq_ready(&ring_) > 0;
    enter_kernel(must_not_wait ? Instant::min() : until);
    read_clock();
    while (Operation* const operation = cancelled_.pop()) {
        operation->state = Operation::State::idle;
        operation->complete({.result = -ECANCELED});
    }
    reap();
}

// Where completions are run only when we ask for them, the ring itself is not readable before they
// are. An event that it signals is, and costs something at each completion: so on demand only. It
// is not signalled by what the write to another such event brings about, as a wake() is, or the end
// of a poll of somebody's own: so these are watched beside it. All are, as the ring does, by edges.
int UringBackend::descriptor() noexcept {
    if (ready_fd_ >= 0) {
        return ready_fd_;
    }
    ready_event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ready_fd_ = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
    if (io_uring_register_eventfd(&ring_, ready_event_) != 0 ||
        epoll_ctl(ready_fd_, EPOLL_CTL_ADD, ready_event_, &event) != 0 ||
        epoll_ctl(ready_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0) {
        return -1;
    }
    return ready_fd_;
}

bool UringBackend::has_work() const noexcept {
    const bool is_parked = !waiting_for_room_.empty() || !to_cancel_.empty() || !cancelled_.empty();
    const bool has_buffers = !waiting_for_buffers_.empty() && buffers_.available() > 0;
    return is_parked || has_buffers || !wake_armed_ || io_uring_sq_ready(&ring_) > 0 ||
           io_uring_cq_ready(&ring_) > 0;
}

void UringBackend::submit_parked() noexcept {
    while (Operation* const operation = to_cancel_.pop()) {
        if (!start_cancel(*operation)) {
            to_cancel_.push(*operation);
            return;
        }
    }
    while (!waiting_for_room_.empty()) {
        Operation* const operation = waiting_for_room_.pop();
        if (!start(*operation)) {
            // Back to the front would be fairer; but the kernel took nothing, so nobody passed it.
            waiting_for_room_.push(*operation);
            return;
        }
    }
    for (unsigned room = buffers_.available(); room > 0 && !waiting_for_buffers_.empty(); --room) {
        Operation* const operation = waiting_for_buffers_.pop();
        if (!start(*operation)) {
            waiting_for_room_.push(*operation);
        }
    }
}

void UringBackend::enter_kernel(Instant until) noexcept {
    if (until == Instant::min()) {
        io_uring_submit_and_get_events(&ring_);
        return;
    }
    if (until == never) {
        io_uring_submit_and_wait(&ring_, 1);
        return;
    }
    const Duration left = until - monotonic_time();
    if (left <= Duration::zero()) {
        io_uring_submit_and_get_events(&ring_);
        return;
    }
    __kernel_timespec limit = timespec_of(left);
    io_uring_cqe* first = nullptr;
    io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
}

void UringBackend::reap() noexcept {
    std::array<io_uring_cqe*, 256> batch;
    for (;;) {
        const unsigned count = io_uring_peek_batch_cqe(&ring_, batch.data(), batch.size());
        if (count == 0) {
            return;
        }
        for (unsigned index = 0; index < count; ++index) {
            complete(*batch[index]);
        }
        io_uring_cq_advance(&ring_, count);
    }
}

void UringBackend::complete(const io_uring_cqe& completed) noexcept {
    if (completed.user_data == tag_ignored) {
        return;
    }
    if (completed.user_data == tag_wake) {
        wake_armed_ = (completed.flags & IORING_CQE_F_MORE) != 0;
        return;
    }
    Operation& operation = *reinterpret_cast<Operation*>(completed.user_data);
    Completion completion{completed.res, (completed.flags & IORING_CQE_F_MORE) != 0, {}};
    if ((completed.flags & IORING_CQE_F_BUFFER) != 0) {
        const auto id = static_cast<std::uint16_t>(completed.flags >> IORING_CQE_BUFFER_SHIFT);
        const auto octets = static_cast<std::size_t>(completed.res > 0 ? completed.res : 0);
        completion.received = buffers_.take(id, octets);
    }
    if (completed.res == -ENOBUFS && std::holds_alternative<Receive>(operation.request)) {
        if (operation.state == Operation::State::in_flight) {
            operation.state = Operation::State::parked;
            waiting_for_buffers_.push(operation);
            buffers_.ran_out();
            return;
        }
        completion.result = -ECANCELED;  // It was being cancelled: this is the end of it.
    }
    if (!completion.more && begins_again(operation, completion.result)) {
        completion.more = true;
        if (!start(operation)) {
            park(operation);
        }
    }
    if (!completion.more) {
        if (operation.state == Operation::State::cancelling) {
            to_cancel_.remove(operation);
        }
        operation.state = Operation::State::idle;
    }
    operation.complete(std::move(completion));
}

// Where the kernel has no multishot operations they are made of single ones.
bool UringBackend::begins_again(const Operation& operation, std::int32_t result) const noexcept {
    if (operation.state != Operation::State::in_flight) {
        return false;
    }
    if (std::holds_alternative<Accept>(operation.request)) {
        return !features_.multishot_accept && result >= 0;
    }
    return std::holds_alternative<Receive>(operation.request) && !features_.multishot_receive &&
           result > 0;
}

Result<int> UringBackend::open_socket(int family) noexcept {
    return socket_calls::open(family);
}

Result<int> UringBackend::listen(const Endpoint& at, const ListenOptions& options) noexcept {
    const Result<int> fd = socket_calls::listen(at, options);
    if (fd) {
        listens(*fd, at, options);
    }
    return fd;
}

void UringBackend::close(int fd, Ending ending) noexcept {
    is_closing(fd);
    if (ending == Ending::reset) {
        socket_calls::reset_on_close(fd);
    }
    io_uring_sqe* const free = entry();
    if (free == nullptr) {
        ::close(fd);
        return;
    }
    io_uring_prep_close(free, fd);
    io_uring_sqe_set_data64(free, tag_ignored);
    free->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void UringBackend::close_file(int fd, Closing closing) noexcept {
    io_uring_sqe* const free = entry();
    if (free == nullptr) {
        FileJobs::close(fd);
        return;
    }
    io_uring_prep_close(free, fd);
    io_uring_sqe_set_data64(free, tag_ignored);
    free->flags |= IOSQE_CQE_SKIP_SUCCESS | (closing == Closing::at_once ? 0U : IOSQE_ASYNC);
}

}  // namespace sluice
