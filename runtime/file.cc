#include "sluice/runtime/file.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/operation.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>

namespace sluice {

namespace {

// To free that many takes no time worth speaking of, if its name is gone when it is closed.
constexpr std::uint64_t small_octets_max = std::uint64_t{1} << 20;

// Descriptors of the simulator mean nothing to the kernel, or something else.
bool kernel_knows(const Backend& backend) noexcept {
    return backend.name() != "simulated";
}

}  // namespace

Task<Result<File>> File::open(std::string path, int flags, mode_t mode) {
    const Context context = co_await this_task();
    Perform opening(Open{path.c_str(), flags | O_CLOEXEC, mode});
    const std::int32_t fd = co_await opening;
    if (fd < 0) {
        co_return std::unexpected(error_from_errno(-fd, Phase::open));
    }
    co_return File(context.loop->backend(), fd, (flags & O_ACCMODE) == O_RDONLY);
}

Task<Result<File>> File::open_to_read(std::string path) {
    return open(std::move(path), O_RDONLY);
}

Task<Result<File>> File::open_to_update(std::string path) {
    return open(std::move(path), O_RDWR);
}

Task<Result<File>> File::create(std::string path, mode_t mode) {
    return open(std::move(path), O_RDWR | O_CREAT | O_TRUNC, mode);
}

Task<Result<File>> File::create_new(std::string path, mode_t mode) {
    return open(std::move(path), O_RDWR | O_CREAT | O_EXCL, mode);
}

Task<Result<File>> File::create_unnamed(std::string directory, mode_t mode) {
    Result<File> file = co_await open(std::move(directory), O_TMPFILE | O_RDWR, mode);
    // A kernel that has not heard of O_TMPFILE sees an attempt to write to a directory.
    if (!file && file.error().os_errno == EISDIR) {
        co_return std::unexpected(Error{Errc::unsupported, Phase::open, 0, EISDIR});
    }
    co_return file;
}

Task<Result<std::size_t>> File::read_at(std::span<std::byte> into, std::uint64_t offset) const {
    std::size_t done = 0;
    while (done < into.size()) {
        const std::size_t octets = std::min(into.size() - done, operation_octets_max);
        Perform reading(Read{fd_, into.subspan(done, octets), offset + done});
        const std::int32_t result = co_await reading;
        if (result == -EINTR) {
            continue;
        }
        if (result < 0) {
            co_return std::unexpected(error_from_errno(-result, Phase::read, done));
        }
        if (result == 0) {
            break;
        }
        done += static_cast<std::size_t>(result);
    }
    co_return done;
}

Task<Result<void>> File::write_at(std::span<const std::byte> octets, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < octets.size()) {
        const std::size_t wanted = std::min(octets.size() - done, operation_octets_max);
        Perform writing(Write{fd_, octets.subspan(done, wanted), offset + done});
        const std::int32_t result = co_await writing;
        if (result == -EINTR) {
            continue;
        }
        if (result < 0) {
            co_return std::unexpected(error_from_errno(-result, Phase::write, done));
        }
        if (result == 0) {
            co_return failure(Errc::input_output, Phase::write, done);
        }
        done += static_cast<std::size_t>(result);
    }
    co_return Result<void>();
}

Task<Result<void>> File::sync() {
    Perform syncing(Sync{fd_});
    const std::int32_t result = co_await syncing;
    if (result < 0) {
        co_return std::unexpected(error_from_errno(-result, Phase::sync));
    }
    co_return Result<void>();
}

Task<Result<FileStatus>> File::status() const {
    struct statx told{};
    Perform asking(ReadStatus{fd_, &told});
    const std::int32_t result = co_await asking;
    if (result < 0) {
        co_return std::unexpected(error_from_errno(-result, Phase::read));
    }
    FileStatus status;
    status.octets = told.stx_size;
    status.inode = told.stx_ino;
    status.modified_seconds = told.stx_mtime.tv_sec;
    status.modified_nanoseconds = told.stx_mtime.tv_nsec;
    status.is_regular = S_ISREG(told.stx_mode);
    status.is_directory = S_ISDIR(told.stx_mode);
    // A filesystem that asks a server, or another process, has no device with a number.
    is_small_ = told.stx_size <= small_octets_max && told.stx_dev_major != 0;
    co_return status;
}

Task<Result<std::uint64_t>> File::size() const {
    const Result<FileStatus> told = co_await status();
    if (!told) {
        co_return failed(told);
    }
    co_return told->octets;
}

Result<void> File::set_attribute(const std::string& name, std::string_view value) {
    if (!kernel_knows(*backend_)) {
        return failure(Errc::unsupported, Phase::write);
    }
    if (::fsetxattr(fd_, name.c_str(), value.data(), value.size(), 0) != 0) {
        return std::unexpected(error_from_errno(errno, Phase::write));
    }
    return {};
}

Result<std::string> File::attribute(const std::string& name) const {
    if (!kernel_knows(*backend_)) {
        return failure(Errc::unsupported, Phase::read);
    }
    std::string value(256, '\0');
    while (true) {
        const ssize_t octets = ::fgetxattr(fd_, name.c_str(), value.data(), value.size());
        if (octets >= 0) {
            value.resize(static_cast<std::size_t>(octets));
            return value;
        }
        if (errno == ENODATA) {
            return std::unexpected(Error{Errc::not_found, Phase::read, 0, ENODATA});
        }
        if (errno != ERANGE) {
            return std::unexpected(error_from_errno(errno, Phase::read));
        }
        value.resize(value.size() * 2);
    }
}

Task<Result<std::span<const std::byte>>> FileSource::read() {
    if (range_.octets == 0) {
        co_return std::span<const std::byte>();
    }
    if (buffer_.octets().empty()) {
        buffer_ = BulkBuffer(buffer_octets_);
    }
    const std::uint64_t wanted = std::min<std::uint64_t>(range_.octets, buffer_octets_);
    const std::span<std::byte> buffer = buffer_.octets().first(static_cast<std::size_t>(wanted));
    const Result<std::size_t> octets = co_await file_.read_at(buffer, range_.offset);
    if (!octets) {
        Error error = octets.error();
        error.octets_done += octets_done_;
        co_return std::unexpected(error);
    }
    octets_done_ += *octets;
    range_.offset += *octets;
    if (range_.octets != FileRange::to_the_end) {
        if (*octets == 0) {
            co_return failure(Errc::end_of_stream, Phase::read, octets_done_);
        }
        range_.octets -= *octets;
    }
    co_return buffer.first(*octets);
}

Task<Result<void>> FileSink::write(std::span<const std::byte> octets) {
    if (over_) {
        co_return failure(Errc::closed, Phase::write);
    }
    const Result<void> written = co_await file_.write_at(octets, offset_);
    over_ = !written;
    offset_ += written ? octets.size() : written.error().octets_done;
    co_return written;
}

Task<Result<void>> FileSink::finish() {
    if (over_) {
        co_return failure(Errc::closed, Phase::sync);
    }
    over_ = true;
    const Result<void> synced = co_await file_.sync();
    co_return synced;
}

Task<Result<std::uint64_t>> forward(const File& file, ByteSink& sink) {
    FileSource source(file);
    const Result<std::uint64_t> octets = co_await forward(source, sink);
    co_return octets;
}

}  // namespace sluice
