#include "sluice/runtime/socket_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sluice {

std::optional<SocketFile> SocketFile::of(const Endpoint& at) {
    std::string path(at.unix_path());
    struct stat file{};
    if (path.empty() || ::lstat(path.c_str(), &file) != 0) {
        return std::nullopt;
    }
    return SocketFile(std::move(path), file.st_dev, file.st_ino);
}

bool SocketFile::is_abandoned(const Endpoint& at) noexcept {
    struct stat file{};
    if (at.unix_path().empty() || ::lstat(at.unix_path().data(), &file) != 0 ||
        !S_ISSOCK(file.st_mode)) {
        return false;
    }
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    const bool refused =
        ::connect(fd, at.address(), at.address_octets()) != 0 && errno == ECONNREFUSED;
    ::close(fd);
    return refused;
}

SocketFile::SocketFile(std::string path, dev_t device, ino_t inode) noexcept
    : path_(std::move(path)), device_(device), inode_(inode) {}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketFile::~SocketFile() {
    struct stat file{};
    if (!path_.empty() && ::lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
        file.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
}

}  // namespace sluice
