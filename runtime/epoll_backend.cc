#include "sluice/runtime/epoll_backend.h"

#include "sluice/runtime/describe.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/socket_calls.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>
#include <variant>

namespace sluice {

namespace {

constexpr std::uint32_t watched_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

// Milliseconds from `now`, rounded up; -1 for ever.
int timeout_until(Instant until, Instant now) noexcept {
    if (until == never) {
        return -1;
    }
    if (until == Instant::min()) {
        return 0;
    }
    const Duration left = until - now;
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<std::int64_t>(rounded, 0, std::numeric_limits<int>::max()));
}

}  // namespace

Result<std::unique_ptr<EpollBackend>> EpollBackend::create(const EpollOptions& options) {
    std::unique_ptr<EpollBackend> backend(new EpollBackend());
    if (const Result<void> done = backend->set_up(options); !done) {
        return failed(done);
    }
    return backend;
}

Result<void> EpollBackend::set_up(const EpollOptions& options) {
    epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = wake_fd_}};
    if (epoll_fd_ < 0 || wake_fd_ < 0 ||
        epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0) {
        return std::unexpected(error_from_errno(errno, Phase::open));
    }
    return buffers_.set_up(options.receive_buffers, options.receive_buffer_octets);
}

EpollBackend::~EpollBackend() {
    ensure(to_try_.empty());
    ensure(waiting_for_buffers_.empty());
    ensure(ended_.empty());
    ensure(buffers_.size() == buffers_.count());
    for (const int fd : {epoll_fd_, wake_fd_}) {
        if (fd >= 0) {
            ::close(fd);
        }
    }
}

EpollBackend::Descriptor& EpollBackend::descriptor(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= descriptors_.size()) {
        descriptors_.resize(std::max(index + 1, 2 * descriptors_.size()));
    }
    return descriptors_[index];
}

// False: this is nothing that can be waited for, as a regular file is.
bool EpollBackend::watch(int fd) noexcept {
    Descriptor& watched = descriptor(fd);
    if (!watched.watched) {
        epoll_event event{.events = watched_events, .data = {.fd = fd}};
        watched.watched = epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EEXIST;
    }
    return watched.watched;
}

// Whether it is work for the pool.
bool EpollBackend::is_file(const Request& request) noexcept {
    if (const auto* const read = std::get_if<Read>(&request)) {
        return read->offset != own_position || !watch(read->fd);
    }
    return !std::holds_alternative<Accept>(request) && !std::holds_alternative<Connect>(request) &&
           !std::holds_alternative<Receive>(request) && !std::holds_alternative<Send>(request) &&
           !std::holds_alternative<Poll>(request);
}

void EpollBackend::submit(Operation& operation) noexcept {
    ensure(operation.state == Operation::State::idle);
    operation.state = Operation::State::in_flight;
    if (is_file(operation.request)) {
        if (const auto result = FileJobs::answer_at_once(operation.request)) {
            ended_.push_back({&operation, *result});
        } else {
            files_.submit(operation);
        }
        return;
    }
    const int fd = descriptor_of(operation.request);
    Descriptor& target = descriptor(fd);
    const bool sends = std::holds_alternative<Send>(operation.request);
    bool may_succeed = true;
    if (sends || std::holds_alternative<Connect>(operation.request)) {
        ensure(std::exchange(target.writer, &operation) == nullptr);
        target.sent = 0;
        may_succeed = target.writable;
    } else if (std::holds_alternative<Poll>(operation.request)) {
        ensure(std::exchange(target.poller, &operation) == nullptr);
    } else {
        ensure(std::exchange(target.reader, &operation) == nullptr);
        may_succeed = target.readable;
    }
    // A socket that is not connected yet would be reported as hung up.
    if (!std::holds_alternative<Connect>(operation.request)) {
        static_cast<void>(watch(fd));
    }
    if (may_succeed) {
        to_try_.push(operation);
    }
}

void EpollBackend::cancel(Operation& operation) noexcept {
    if (operation.state == Operation::State::idle ||
        operation.state == Operation::State::cancelling) {
        return;
    }
    if (is_file(operation.request)) {
        operation.state = Operation::State::cancelling;  // It ends when it ends.
        return;
    }
    if (operation.state == Operation::State::parked) {
        waiting_for_buffers_.remove(operation);
    } else if (const bool untried = to_try_.remove(operation) || trying_.remove(operation);
               untried && std::holds_alternative<Send>(operation.request)) {
        // It was asked for before its cancel, and sends what there is room for.
        operation.state = Operation::State::cancelling;
        to_try_.push(operation);
        return;
    }
    end_cancelled(operation);
}

void EpollBackend::end_cancelled(Operation& operation) noexcept {
    Descriptor& target = descriptor(descriptor_of(operation.request));
    std::int32_t result = -ECANCELED;
    if (target.writer == &operation) {
        target.writer = nullptr;
        if (target.sent > 0) {
            result = static_cast<std::int32_t>(target.sent);
        }
    } else {
        (target.poller == &operation ? target.poller : target.reader) = nullptr;
    }
    operation.state = Operation::State::cancelling;
    ended_.push_back({&operation, result});
}

void EpollBackend::wake() noexcept {
    constexpr std::uint64_t one = 1;
    // It fails only where the count would overflow, and then the loop is awake.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void EpollBackend::wait(Instant until) noexcept {
    reported_ = 0;
    woken_ = false;
    deliver_ended();
    try_queued();
    reported_ += files_.reap();
    const bool must_not_wait = reported_ > 0 || !to_try_.empty() || !ended_.empty();
    take_changes(must_not_wait ? Instant::min() : until);
    // A change may concern nobody.
    while (reported_ == 0 && !woken_ && to_try_.empty() && now() < until) {
        take_changes(until);
    }
}

void EpollBackend::take_changes(Instant until) noexcept {
    std::array<epoll_event, 256> events;
    const int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()),
                                 timeout_until(until, monotonic_time()));
    read_clock();
    for (int index = 0; index < count; ++index) {
        const epoll_event& event = events[static_cast<std::size_t>(index)];
        if (event.data.fd == wake_fd_) {
            woken_ = true;  // The count is never read: each write is an edge.
        } else {
            changed(event.data.fd, event.events);
        }
    }
    reported_ += files_.reap();
}

bool EpollBackend::has_work() const noexcept {
    const bool has_buffers = !waiting_for_buffers_.empty() && buffers_.size() > 0;
    return !to_try_.empty() || !ended_.empty() || has_buffers;
}

void EpollBackend::deliver_ended() noexcept {
    delivering_.swap(ended_);
    for (const Ended& each : delivering_) {
        each.operation->state = Operation::State::idle;
        report(*each.operation, {.result = each.result});
    }
    delivering_.clear();
}

void EpollBackend::report(Operation& operation, Completion completion) noexcept {
    ++reported_;
    operation.complete(std::move(completion));
}

// What its completions submit waits for the next turn: a descriptor that is always ready must not
// keep this one from ending.
void EpollBackend::try_queued() noexcept {
    for (std::size_t room = buffers_.size(); room > 0 && !waiting_for_buffers_.empty(); --room) {
        Operation* const operation = waiting_for_buffers_.pop();
        operation->state = Operation::State::in_flight;
        to_try_.push(*operation);
    }
    trying_ = std::exchange(to_try_, OperationQueue());
    while (Operation* const operation = trying_.pop()) {
        const bool cancelled = operation->state == Operation::State::cancelling;
        const int fd = descriptor_of(operation->request);
        try_operation(*operation);
        if (cancelled && descriptor(fd).writer == operation && !descriptor(fd).writable) {
            end_cancelled(*operation);
        }
    }
}

void EpollBackend::changed(int fd, std::uint32_t events) noexcept {
    constexpr std::uint32_t ends = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    Descriptor& known = descriptor(fd);
    known.readable |= (events & (EPOLLIN | EPOLLPRI | ends)) != 0;
    known.writable |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    known.ending |= (events & ends) != 0;
    const auto try_now = [this](Operation* operation) {
        if (operation != nullptr && operation->state == Operation::State::in_flight) {
            to_try_.remove(*operation);
            try_operation(*operation);
        }
    };
    // Looked up each time, since each completion may change who waits.
    if (known.readable) {
        try_now(descriptor(fd).reader);
    }
    if (descriptor(fd).writable) {
        try_now(descriptor(fd).writer);
    }
    try_now(descriptor(fd).poller);
}

Result<int> EpollBackend::open_socket(int family) noexcept {
    const Result<int> fd = socket_calls::open(family);
    if (fd) {
        socket_calls::never_block(*fd);
        descriptor(*fd) = Descriptor();
    }
    return fd;
}

Result<int> EpollBackend::listen(const Endpoint& at, const ListenOptions& options) noexcept {
    const Result<int> fd = socket_calls::listen(at, options);
    if (fd) {
        listens(*fd, at, options);
        socket_calls::never_block(*fd);
        descriptor(*fd) = Descriptor();
    }
    return fd;
}

void EpollBackend::close(int fd, Ending ending) noexcept {
    is_closing(fd);
    forget(fd);
    if (ending == Ending::reset) {
        socket_calls::reset_on_close(fd);
    }
    ::close(fd);
}

void EpollBackend::close_file(int fd, Closing closing) noexcept {
    forget(fd);
    if (closing == Closing::at_once) {
        ::close(fd);
    } else {
        FileJobs::close(fd);
    }
}

// Before its number can be another's.
void EpollBackend::forget(int fd) noexcept {
    Descriptor& closed = descriptor(fd);
    ensure(closed.reader == nullptr && closed.writer == nullptr && closed.poller == nullptr);
    closed = Descriptor();
}

}  // namespace sluice
