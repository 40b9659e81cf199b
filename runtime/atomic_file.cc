#include "sluice/runtime/atomic_file.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/scope.h"

#include <cerrno>
#include <charconv>
#include <utility>

namespace sluice {

namespace {

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

// No two files of a file system have the same inode number at the same time.
std::string hidden_name(const std::string& directory, std::uint64_t inode) {
    char digits[16];
    const char* const end = std::to_chars(digits, digits + sizeof digits, inode, 16).ptr;
    std::string name = directory + "/";
    name.append(AtomicFile::hidden_prefix).append(std::string_view(digits, end));
    return name;
}

Result<void> outcome_of(std::int32_t result, Phase phase) {
    if (result < 0) {
        return std::unexpected(error_from_errno(-result, phase));
    }
    return {};
}

}  // namespace

AtomicFile::AtomicFile(std::string path, mode_t mode)
    : path_(std::move(path)), directory_(directory_of(path_)), mode_(mode) {}

void AtomicFile::abort() noexcept {
    is_over_ = true;
    file_.reset();
}

Task<Result<void>> AtomicFile::open() {
    if (is_over_) {
        co_return failure(Errc::closed, Phase::open);
    }
    if (file_) {
        co_return Result<void>();
    }
    Result<File> file = co_await File::create_unnamed(directory_, mode_);
    if (!file) {
        abort();
        co_return failed(file);
    }
    file_.emplace(std::move(*file));
    co_return Result<void>();
}

Task<Result<void>> AtomicFile::write(std::span<const std::byte> octets) {
    const Result<void> opened = co_await open();
    if (!opened) {
        co_return opened;
    }
    const Result<void> written = co_await file_->write_at(octets, octets_);
    octets_ += written ? octets.size() : written.error().octets_done;
    if (!written) {
        abort();
    }
    co_return written;
}

Task<Result<void>> AtomicFile::finish() {
    const Result<void> opened = co_await open();
    if (!opened) {
        co_return opened;
    }
    const Context context = co_await this_task();
    if (context.stop != nullptr && context.stop->requested()) {
        abort();
        co_return failure(Errc::cancelled, Phase::sync);
    }
    Under<Result<void>> committing = shielded(commit());
    const Result<void> committed = co_await committing;
    abort();
    co_return committed;
}

Task<Result<void>> AtomicFile::commit() {
    if (before_commit_) {
        const Result<void> attached = before_commit_(*file_);
        if (!attached) {
            co_return attached;
        }
    }
    const Result<void> synced = co_await file_->sync();
    if (!synced) {
        co_return synced;
    }
    // Opened before the name is given: what can fail, fails before anything is visible.
    Result<File> directory = co_await File::open(directory_, O_RDONLY | O_DIRECTORY);
    if (!directory) {
        co_return failed(directory);
    }
    const Result<void> named = co_await give_name();
    if (!named) {
        co_return named;
    }
    is_visible_ = true;
    const Result<void> directory_synced = co_await directory->sync();
    co_return directory_synced;
}

Task<Result<void>> AtomicFile::give_name() {
    Perform linking(Link{file_->descriptor(), path_.c_str()});
    const std::int32_t linked = co_await linking;
    if (linked != -EEXIST) {
        co_return outcome_of(linked, Phase::rename);
    }
    const Result<void> replaced = co_await replace();
    co_return replaced;
}

// A link never replaces; a rename does, in one step, but wants a name to start from.
Task<Result<void>> AtomicFile::replace() {
    const Result<FileStatus> status = co_await file_->status();
    if (!status) {
        co_return failed(status);
    }
    const std::string hidden = hidden_name(directory_, status->inode);
    Perform linking(Link{file_->descriptor(), hidden.c_str()});
    const std::int32_t linked = co_await linking;
    if (linked < 0) {
        co_return outcome_of(linked, Phase::rename);
    }
    Perform renaming(Rename{hidden.c_str(), path_.c_str()});
    const std::int32_t renamed = co_await renaming;
    if (renamed < 0) {
        Perform removing(Remove{hidden.c_str()});
        co_await removing;
    }
    co_return outcome_of(renamed, Phase::rename);
}

}  // namespace sluice
