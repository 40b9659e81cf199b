// ForwardingBackend: another backend, for an heir that changes a part of what it does.
//
// Ownership:    Borrows the backend behind it, and is used in its place.

#pragma once

#include "sluice/runtime/backend.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::tests {

class ForwardingBackend : public Backend {
public:
    explicit ForwardingBackend(Backend& real) noexcept : real_(real) {}
    ForwardingBackend(ForwardingBackend&&) = delete;

    void submit(Operation& operation) noexcept override { real_.submit(operation); }
    void cancel(Operation& operation) noexcept override { real_.cancel(operation); }
    void wait(Instant until) noexcept override { real_.wait(until); }
    void wake() noexcept override { real_.wake(); }
    [[nodiscard]] Instant now() const noexcept override { return real_.now(); }
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override {
        return real_.unix_seconds();
    }
    [[nodiscard]] Result<int> open_socket(int family) noexcept override {
        return real_.open_socket(family);
    }
    [[nodiscard]] Result<int> listen(const Endpoint& at,
                                     const ListenOptions& options) noexcept override {
        return real_.listen(at, options);
    }
    void configure(int fd, const SocketOptions& options) noexcept override {
        real_.configure(fd, options);
    }
    [[nodiscard]] Endpoint local_endpoint(int fd) noexcept override {
        return real_.local_endpoint(fd);
    }
    [[nodiscard]] Endpoint peer_endpoint(int fd) noexcept override {
        return real_.peer_endpoint(fd);
    }
    void shut_down_sending(int fd) noexcept override { real_.shut_down_sending(fd); }
    [[nodiscard]] SocketState socket_state(int fd) noexcept override {
        return real_.socket_state(fd);
    }
    [[nodiscard]] int take_error(int fd) noexcept override { return real_.take_error(fd); }
    [[nodiscard]] bool seal(int fd, const SealingKeys& keys) noexcept override {
        return real_.seal(fd, keys);
    }
    [[nodiscard]] std::optional<std::uint64_t> next_record(int fd) noexcept override {
        return real_.next_record(fd);
    }
    void close(int fd, Ending ending) noexcept override { real_.close(fd, ending); }
    void close_file(int fd, Closing closing) noexcept override { real_.close_file(fd, closing); }
    [[nodiscard]] int descriptor() noexcept override { return real_.descriptor(); }
    [[nodiscard]] bool has_work() const noexcept override { return real_.has_work(); }
    [[nodiscard]] std::string_view name() const noexcept override { return real_.name(); }

protected:
    ~ForwardingBackend() = default;

    [[nodiscard]] Backend& real() noexcept { return real_; }

private:
    Backend& real_;
};

}  // namespace sluice::tests
