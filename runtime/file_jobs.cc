#include "sluice/runtime/file_jobs.h"

#include "sluice/runtime/ensure.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <optional>
#include <variant>

namespace sluice {

namespace {

// More than the kernel moves in one call.
constexpr std::size_t octets_max = std::numeric_limits<std::int32_t>::max();

std::int32_t answer(ssize_t result) noexcept {
    return result < 0 ? -errno : static_cast<std::int32_t>(result);
}

// One call for each request; the others are no file's.
struct Call {
    std::int32_t operator()(const Open& open) const noexcept {
        return answer(::openat(AT_FDCWD, open.path, open.flags | O_CLOEXEC, open.mode));
    }
    std::int32_t operator()(const Read& read) const noexcept {
        const std::size_t octets = std::min(read.into.size(), octets_max);
        return answer(read.offset == own_position ? ::read(read.fd, read.into.data(), octets)
                                                  : ::pread(read.fd, read.into.data(), octets,
                                                            static_cast<off_t>(read.offset)));
    }
    std::int32_t operator()(const Write& write) const noexcept {
        const std::size_t octets = std::min(write.from.size(), octets_max);
        return answer(write.offset == own_position ? ::write(write.fd, write.from.data(), octets)
                                                   : ::pwrite(write.fd, write.from.data(), octets,
                                                              static_cast<off_t>(write.offset)));
    }
    std::int32_t operator()(const Sync& sync) const noexcept { return answer(::fsync(sync.fd)); }
    std::int32_t operator()(const Link& link) const noexcept {
        std::array<char, 32> from{};
        std::snprintf(from.data(), from.size(), "/proc/self/fd/%d", link.fd);
        return answer(::linkat(AT_FDCWD, from.data(), AT_FDCWD, link.path, AT_SYMLINK_FOLLOW));
    }
    std::int32_t operator()(const Rename& rename) const noexcept {
        return answer(::renameat(AT_FDCWD, rename.from, AT_FDCWD, rename.to));
    }
    std::int32_t operator()(const Remove& remove) const noexcept {
        return answer(::unlinkat(AT_FDCWD, remove.path, 0));
    }
    std::int32_t operator()(const ReadStatus& status) const noexcept {
        return answer(::statx(status.fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, status.into));
    }
    template <typename Other>
    std::int32_t operator()(const Other&) const noexcept {
        ensure(false);
        return -EINVAL;
    }
};

// Without O_NONBLOCK it would wait for the other end of a FIFO; of the descriptor it is taken back.
ssize_t open_cached(const Open& open) noexcept {
    const auto flags = static_cast<unsigned>(open.flags | O_CLOEXEC | O_NONBLOCK);
    open_how how{.flags = flags, .mode = 0, .resolve = RESOLVE_CACHED};
    const auto fd = static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, open.path, &how, sizeof how));
    if (fd >= 0 && (open.flags & O_NONBLOCK) == 0) {
        ::fcntl(fd, F_SETFL, open.flags);
    }
    return fd;
}

// Belongs to nobody: the loop need not hear of its end.
class Closing final : public Workers::Job {
public:
    explicit Closing(int fd) noexcept : fd_(fd) {}

    void run() noexcept override {
        ::close(fd_);
        delete this;
    }

private:
    int fd_;
};

}  // namespace

FileJobs::~FileJobs() {
    ensure(under_way_ == 0);
    // The last one that ended may still be inside ended().
    const std::lock_guard lock(mutex_);
}

std::optional<std::int32_t> FileJobs::answer_at_once(const Request& request) noexcept {
    ssize_t result = -1;
    if (const auto* const open = std::get_if<Open>(&request)) {
        result = open_cached(*open);
    } else if (const auto* const read = std::get_if<Read>(&request)) {
        const iovec into{read->into.data(), std::min(read->into.size(), octets_max)};
        // 0 may be the end, or a kernel that says so where it would wait.
        result = ::preadv2(read->fd, &into, 1, static_cast<off_t>(read->offset), RWF_NOWAIT);
        result = result == 0 ? -1 : result;
    } else if (const auto* const status = std::get_if<ReadStatus>(&request)) {
        // The server of a network's filesystem was asked when the file was opened.
        result = ::statx(status->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS,
                         status->into);
    }
    // Whatever failed is asked again where it may wait: not every kernel, or every filter in front
    // of one, knows these calls.
    return result < 0 ? std::nullopt : std::optional(static_cast<std::int32_t>(result));
}

void FileJobs::submit(Operation& operation) {
    if (free_.empty()) {
        jobs_.push_back(std::make_unique<Job>(*this));
        free_.push_back(jobs_.back().get());
    }
    Job& job = *free_.back();
    free_.pop_back();
    job.operation = &operation;
    ++under_way_;
    Workers::shared().run(job);
}

void FileJobs::close(int fd) {
    auto closing = std::make_unique<Closing>(fd);
    Workers::shared().run(*closing.release());
}

void FileJobs::Job::run() noexcept {
    result = std::visit(Call{}, operation->request);
    owner_.ended(*this);
}

// Once it is in the list, the job and all this may be gone as soon as the lock is.
void FileJobs::ended(Job& job) noexcept {
    const std::lock_guard lock(mutex_);
    ended_.push_back(&job);
    if (ended_.size() == 1) {
        backend_.wake();
    }
}

std::size_t FileJobs::reap() noexcept {
    if (under_way_ == 0) {
        return 0;
    }
    {
        const std::lock_guard lock(mutex_);
        reaped_.swap(ended_);
    }
    const std::size_t count = reaped_.size();
    under_way_ -= count;
    for (Job* const job : reaped_) {
        Operation& operation = *job->operation;
        const std::int32_t result = job->result;
        free_.push_back(job);
        operation.state = Operation::State::idle;
        operation.complete({.result = result});
    }
    reaped_.clear();
    return count;
}

}  // namespace sluice
