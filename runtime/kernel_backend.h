// KernelBackend: what all backends on the real kernel have in common: its clocks, and what
// it answers about a socket at once.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/socket_calls.h"
#include "sluice/runtime/socket_file.h"

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <utility>

namespace sluice {

class KernelBackend : public Backend {
public:
    [[nodiscard]] Instant now() const noexcept override { return now_; }
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override { return std::time(nullptr); }
    void configure(int fd, const SocketOptions& options) noexcept override {
        socket_calls::configure(fd, options);
    }
    [[nodiscard]] Endpoint local_endpoint(int fd) noexcept override {
        return socket_calls::local_endpoint(fd);
    }
    [[nodiscard]] Endpoint peer_endpoint(int fd) noexcept override {
        return socket_calls::peer_endpoint(fd);
    }
    void shut_down_sending(int fd) noexcept override { socket_calls::shut_down_sending(fd); }
    [[nodiscard]] bool is_closed(int fd) noexcept override { return socket_calls::is_closed(fd); }
    [[nodiscard]] SocketState socket_state(int fd) noexcept override {
        return socket_calls::state(fd);
    }
    [[nodiscard]] int take_error(int fd) noexcept override { return socket_calls::take_error(fd); }
    [[nodiscard]] bool seal(int fd, const SealingKeys& keys) noexcept override {
        return socket_calls::seal(fd, keys);
    }
    [[nodiscard]] std::optional<std::uint64_t> next_record(int fd) noexcept override {
        return socket_calls::next_record(fd);
    }

protected:
    KernelBackend() noexcept : now_(monotonic_time()) {}
    ~KernelBackend() = default;

    [[nodiscard]] static Instant monotonic_time() noexcept {
        timespec time{};
        clock_gettime(CLOCK_MONOTONIC, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }

    // Of a listener at a path, whose file goes when it is closed.
    void listens(int fd, const Endpoint& at, const ListenOptions& options) {
        if (options.existing >= 0) {
            return;  // It is whose the socket is.
        }
        if (std::optional<SocketFile> file = SocketFile::of(at)) {
            files_.emplace(fd, std::move(*file));
        }
    }
    void is_closing(int fd) noexcept {
        if (!files_.empty()) [[unlikely]] {
            files_.erase(fd);
        }
    }

    // At each return from wait().
    void read_clock() noexcept { now_ = monotonic_time(); }

private:
    Instant now_;
    std::map<int, SocketFile> files_;
};

}  // namespace sluice
