// File: an open file, and the streams that read and write one from front to back.
//
// Ownership:    Owns its descriptor; close() and destruction have it closed, off the loop's thread
//               and so perhaps later, and without a word: what a close could still tell of what was
//               written, sync() tells. Nothing is in flight then: a task that uses the File
//               outlives what it awaits. Octets stay until the task ends.
// Completion:   read_at() fills what it was given, or stops at the end of the file. write_at()
//               writes everything, or fails and says in octets_done how much.
// Cancellation: A stop ends between two operations, or inside one that the kernel can interrupt,
//               with `cancelled` and the octets done.
// Threading:    The thread of the loop whose task opened it.
// Source:       open(2), statx(2), fsync(2), xattr(7).

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/bulk_buffer.h"
#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

struct FileStatus {
    std::uint64_t octets = 0;
    std::uint64_t inode = 0;
    std::int64_t modified_seconds = 0;  // Since 1970.
    std::uint32_t modified_nanoseconds = 0;
    bool is_regular = false;
    bool is_directory = false;
};

class File {
public:
    [[nodiscard]] static Task<Result<File>> open_to_read(std::string path);
    // Opens what exists, to read and write in place.
    [[nodiscard]] static Task<Result<File>> open_to_update(std::string path);
    // Empties what exists, or creates it.
    [[nodiscard]] static Task<Result<File>> create(std::string path, mode_t mode = 0644);
    // Fails with `exists` where create() would have emptied.
    [[nodiscard]] static Task<Result<File>> create_new(std::string path, mode_t mode = 0644);
    // A file without a name in `directory`: gone when closed, unless it is linked first.
    [[nodiscard]] static Task<Result<File>> create_unnamed(std::string directory,
                                                           mode_t mode = 0644);
    // `flags` are those of open(2); O_CLOEXEC is added.
    [[nodiscard]] static Task<Result<File>> open(std::string path, int flags, mode_t mode = 0644);

    File(File&& other) noexcept
        : backend_(other.backend_),
          fd_(std::exchange(other.fd_, -1)),
          is_read_only_(other.is_read_only_),
          is_small_(other.is_small_) {}
    File& operator=(File&& other) noexcept {
        close();
        backend_ = other.backend_;
        fd_ = std::exchange(other.fd_, -1);
        is_read_only_ = other.is_read_only_;
        is_small_ = other.is_small_;
        return *this;
    }
    ~File() { close(); }

    // Yields how many octets it read: fewer than asked for only where the file ends.
    [[nodiscard]] Task<Result<std::size_t>> read_at(std::span<std::byte> into,
                                                    std::uint64_t offset) const;
    [[nodiscard]] Task<Result<void>> write_at(std::span<const std::byte> octets,
                                              std::uint64_t offset);
    // Once it has ended well, what was written survives a loss of power.
    [[nodiscard]] Task<Result<void>> sync();
    // As this host knows it: what others write to a file of a network's filesystem may show only
    // when it is opened again.
    [[nodiscard]] Task<Result<FileStatus>> status() const;
    [[nodiscard]] Task<Result<std::uint64_t>> size() const;

    // Extended attributes, as "user.name". At once: they are metadata, and small.
    [[nodiscard]] Result<void> set_attribute(const std::string& name, std::string_view value);
    [[nodiscard]] Result<std::string> attribute(const std::string& name) const;

    void close() noexcept {
        if (fd_ >= 0) {
            using enum Backend::Closing;
            backend_->close_file(std::exchange(fd_, -1),
                                 is_read_only_ && is_small_ ? at_once : aside);
        }
    }

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int descriptor() const noexcept { return fd_; }

private:
    File(Backend& backend, int fd, bool is_read_only) noexcept
        : backend_(&backend), fd_(fd), is_read_only_(is_read_only) {}

    Backend* backend_;
    int fd_;
    bool is_read_only_;
    mutable bool is_small_ = false;  // And on a device of this host's: status() has found it so.
};

struct FileRange {
    static constexpr std::uint64_t to_the_end = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t offset = 0;
    std::uint64_t octets = to_the_end;
};

// Reads a file, or a range of it, into one buffer of its own. A file that ends before the range
// does is an error, `end_of_stream`: somebody cut it.
class FileSource final : public ByteSource {
public:
    static constexpr std::size_t buffer_octets_default = 256 * 1024;

    explicit FileSource(const File& file, FileRange range = {},
                        std::size_t buffer_octets = buffer_octets_default) noexcept
        : file_(file), range_(range), buffer_octets_(buffer_octets) {}

    Task<Result<std::span<const std::byte>>> read() override;

private:
    const File& file_;
    FileRange range_;  // What is still to be read.
    std::uint64_t octets_done_ = 0;
    std::size_t buffer_octets_;
    BulkBuffer buffer_;
};

// Writes a file from `offset` on. finish() syncs; abort() cannot take back what was written: what
// must be whole or absent goes into an AtomicFile.
class FileSink final : public ByteSink {
public:
    explicit FileSink(File& file, std::uint64_t offset = 0) noexcept
        : file_(file), offset_(offset) {}

    Task<Result<void>> write(std::span<const std::byte> octets) override;
    Task<Result<void>> finish() override;
    void abort() noexcept override { over_ = true; }

private:
    File& file_;
    std::uint64_t offset_;
    bool over_ = false;
};

// Forwards all of `file`, as forward() does with a source.
[[nodiscard]] Task<Result<std::uint64_t>> forward(const File& file, ByteSink& sink);

}  // namespace sluice
