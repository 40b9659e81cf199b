#include "sluice/examples/object_index.h"

#include "sluice/examples/object_key.h"
#include "sluice/runtime/atomic_file.h"
#include "sluice/tls/digest.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>

namespace sluice::examples {

namespace {

namespace fs = std::filesystem;

constexpr const char* hash_attribute = "user.sluice.sha256";
constexpr std::size_t hash_digits = 64;

// A descriptor for calls that block: at the start, and for a look at one name.
class BlockingFile {
public:
    explicit BlockingFile(const std::string& path)
        : fd_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {}
    BlockingFile(BlockingFile&&) = delete;
    ~BlockingFile() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

    // None for what is no regular file. Without an etag where none is attached.
    [[nodiscard]] std::optional<Object> object() const {
        struct stat told{};
        if (::fstat(fd_, &told) != 0 || !S_ISREG(told.st_mode)) {
            return std::nullopt;
        }
        Object object{
            static_cast<std::uint64_t>(told.st_size), told.st_ino, told.st_mtim.tv_sec, {}};
        std::array<char, hash_digits> digits{};
        if (::fgetxattr(fd_, hash_attribute, digits.data(), digits.size()) == hash_digits) {
            object.etag = '"' + std::string(digits.data(), digits.size()) + '"';
        }
        return object;
    }

    [[nodiscard]] Result<std::string> hash() const {
        tls::Sha256 sha256;
        std::vector<std::byte> buffer(256 * 1024);
        while (true) {
            const ssize_t octets = ::read(fd_, buffer.data(), buffer.size());
            if (octets < 0 && errno != EINTR) {
                return std::unexpected(error_from_errno(errno, Phase::read));
            }
            if (octets == 0) {
                return tls::hex(sha256.finish());
            }
            sha256.update(std::span(buffer).first(octets < 0 ? 0 : static_cast<size_t>(octets)));
        }
    }

    void attach(const std::string& hash) const {
        static_cast<void>(::fsetxattr(fd_, hash_attribute, hash.data(), hash.size(), 0));
    }

private:
    int fd_;
};

}  // namespace

ObjectIndex::~ObjectIndex() {
    if (lock_fd_ >= 0) {
        ::close(lock_fd_);
    }
}

Result<void> ObjectIndex::load() {
    std::error_code error;
    fs::create_directories(directory_, error);
    const Result<bool> is_alone = take_directory();
    if (!is_alone) {
        return failed(is_alone);
    }
    fs::directory_iterator entries(directory_, error);
    if (error) {
        return std::unexpected(error_from_errno(error.value(), Phase::open));
    }
    for (const fs::directory_entry& entry : entries) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(AtomicFile::hidden_prefix)) {
            if (*is_alone) {
                static_cast<void>(fs::remove(entry.path(), error));
            }
            continue;
        }
        const std::optional<std::string> key = key_of_file_name(name);
        const BlockingFile file(entry.path().string());
        std::optional<Object> object = key && file.is_open() ? file.object() : std::nullopt;
        if (!object) {
            continue;
        }
        if (object->etag.empty()) {
            const Result<std::string> hash = file.hash();
            if (!hash) {
                return failed(hash);
            }
            file.attach(*hash);
            object->etag = '"' + *hash + '"';
        }
        objects_.insert_or_assign(*key, *object);
    }
    // From now on others may come, who must not clear up what is ours.
    if (::flock(lock_fd_, LOCK_SH) != 0) {
        return std::unexpected(error_from_errno(errno, Phase::open));
    }
    return {};
}

// Yields whether nobody else has it. If so, whoever comes waits until we have cleared up.
Result<bool> ObjectIndex::take_directory() {
    lock_fd_ = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock_fd_ < 0) {
        return std::unexpected(error_from_errno(errno, Phase::open));
    }
    if (::flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    if (errno != EWOULDBLOCK || ::flock(lock_fd_, LOCK_SH) != 0) {
        return std::unexpected(error_from_errno(errno, Phase::open));
    }
    return false;
}

std::optional<Object> ObjectIndex::find(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const Object* const object = look_up(key);
    return object == nullptr ? std::nullopt : std::optional(*object);
}

std::vector<std::pair<std::string, Object>> ObjectIndex::list(const std::string& prefix,
                                                              const std::string& after,
                                                              std::size_t count) const {
    std::vector<std::pair<std::string, Object>> found;
    const std::lock_guard lock(mutex_);
    auto next = after < prefix ? objects_.lower_bound(prefix) : objects_.upper_bound(after);
    while (next != objects_.end() && found.size() < count && next->first.starts_with(prefix)) {
        found.emplace_back(*next++);
    }
    return found;
}

std::string ObjectIndex::path_of(std::string_view key) const {
    return directory_ + '/' + file_name_of(key);
}

Object ObjectIndex::attach(File& file, const std::string& etag) {
    static_cast<void>(
        file.set_attribute(hash_attribute, std::string_view(etag).substr(1, hash_digits)));
    struct stat told{};
    ::fstat(file.descriptor(), &told);
    return {static_cast<std::uint64_t>(told.st_size), told.st_ino, told.st_mtim.tv_sec, etag};
}

Object ObjectIndex::describe(const File& file, const FileStatus& status) {
    const Result<std::string> hash = file.attribute(hash_attribute);
    return {status.octets, status.inode, status.modified_seconds,
            hash && hash->size() == hash_digits ? '"' + *hash + '"' : std::string{}};
}

const Object* ObjectIndex::look_up(const std::string& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : &found->second;
}

void ObjectIndex::look_again(const std::string& key, const Object* written) {
    const BlockingFile file(path_of(key));
    std::optional<Object> object = file.is_open() ? file.object() : std::nullopt;
    if (!object) {
        objects_.erase(key);
        return;
    }
    if (object->etag.empty() && written != nullptr && written->inode == object->inode) {
        object->etag = written->etag;
    }
    // Without attributes, another change's file is told by that change.
    if (!object->etag.empty()) {
        objects_.insert_or_assign(key, *object);
    }
}

ObjectIndex::Change::Start ObjectIndex::Change::begin(const Condition& condition) {
    const std::lock_guard lock(index_.mutex_);
    const Object* const stored = index_.look_up(key_);
    if (condition && !condition(stored)) {
        return Start::refused;
    }
    Changes& changes = index_.changes_[key_];
    if (changes.under_way > 0 && (changes.exclusive || condition)) {
        return Start::busy;
    }
    ++changes.under_way;
    changes.exclusive = condition != nullptr;
    begun_ = true;
    replaced_ = stored != nullptr;
    return Start::begun;
}

void ObjectIndex::Change::end() {
    if (!std::exchange(begun_, false)) {
        return;
    }
    const std::lock_guard lock(index_.mutex_);
    index_.look_again(key_, written_ ? &*written_ : nullptr);
    const auto changes = index_.changes_.find(key_);
    if (--changes->second.under_way == 0) {
        index_.changes_.erase(changes);
    }
}

}  // namespace sluice::examples
