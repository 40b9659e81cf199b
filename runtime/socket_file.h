// SocketFile: the name in the file system by which a Unix socket is found.
//
// Ownership:    Removes the name when destroyed, if it still is that of the socket it was made for:
//               another program may have put its own there.
// Source:       unix(7).

#pragma once

#include "sluice/runtime/endpoint.h"

#include <sys/types.h>

#include <optional>
#include <string>

namespace sluice {

class SocketFile {
public:
    // Of a socket that has just been bound there. None: it has no path, or it is gone already.
    [[nodiscard]] static std::optional<SocketFile> of(const Endpoint& at);

    // Whether a socket was left there by a program that is gone: nobody listens.
    [[nodiscard]] static bool is_abandoned(const Endpoint& at) noexcept;

    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&&) = delete;
    ~SocketFile();

private:
    SocketFile(std::string path, dev_t device, ino_t inode) noexcept;

    std::string path_;  // Empty: another has it now.
    dev_t device_;
    ino_t inode_;
};

}  // namespace sluice
