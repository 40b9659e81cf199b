// AtomicFile: a sink of octets whose path names all of them or none, and survives a crash.
//
// What is written goes into a file without a name (O_TMPFILE), so there is nothing to clean up:
// whatever ends the writer, be it abort(), destruction or SIGKILL, the kernel forgets the file.
// finish() syncs it, gives it its name, and syncs the directory. Only to replace an existing file,
// the new one has a hidden name for the moment between a link and a rename: a process that is
// killed in just that moment leaves it. Such names begin with `hidden_prefix`.
//
// Ownership:    Owns the unnamed file, from open() or the first write on.
// Completion:   finish() that ended well: path, content and attributes survive a loss of power.
// Cancellation: A stop reaches open() and write(). finish() under a stop that came before does
//               nothing; once begun, it runs to its end.
// Errors:       The phase says how far it got: open, write, sync, rename (of giving the name). Any
//               error closes the file, and what the path named before it still names, with one
//               exception: when the directory's own sync fails, is_visible() is true.
//               `unsupported` in phase open: the file system has no unnamed files.
// Source:       open(2) on O_TMPFILE, linkat(2), rename(2), fsync(2).

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

class AtomicFile final : public ByteSink {
public:
    static constexpr std::string_view hidden_prefix = ".sluice-";

    // The directory of `path` exists. Nothing happens yet.
    explicit AtomicFile(std::string path, mode_t mode = 0644);
    AtomicFile(AtomicFile&&) = delete;
    ~AtomicFile() override { abort(); }

    // Creates the unnamed file, unless it is there already. The first write does it otherwise.
    [[nodiscard]] Task<Result<void>> open();

    Task<Result<void>> write(std::span<const std::byte> octets) override;
    Task<Result<void>> finish() override;
    void abort() noexcept override;

    // `hook` is called by finish() before anything is synced, to attach what is known only then,
    // as an attribute with a digest. Its error ends finish().
    void before_commit(std::function<Result<void>(File&)> hook) {
        before_commit_ = std::move(hook);
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    // Octets written so far.
    [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }
    // Whether the path names this file.
    [[nodiscard]] bool is_visible() const noexcept { return is_visible_; }

private:
    Task<Result<void>> commit();
    Task<Result<void>> give_name();
    Task<Result<void>> replace();

    std::string path_;
    std::string directory_;
    mode_t mode_;
    std::function<Result<void>(File&)> before_commit_;
    std::optional<File> file_;
    std::uint64_t octets_ = 0;
    bool is_over_ = false;  // Finished, aborted, or failed.
    bool is_visible_ = false;
};

}  // namespace sluice
