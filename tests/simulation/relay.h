// Relay: a backend behind which another does the work, and which sees every operation pass.
//
// What an heir makes of a request or a completion on its way is what the other side gets: one that
// only looks is a witness, one that alters is a liar. Nothing of the library knows of it.
//
// Ownership:    Borrows the backend behind it, and stands for each operation in flight with one of
//               its own, to which the submitter's is tied by its list link.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/operation.h"

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::campaign {

class Relay : public Backend {
public:
    explicit Relay(Backend& real) noexcept : real_(real) {}
    Relay(Relay&&) = delete;

    void submit(Operation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;
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
    void close(int fd, Ending ending) noexcept override { real_.close(fd, ending); }
    [[nodiscard]] std::string_view name() const noexcept override { return real_.name(); }

protected:
    ~Relay();

    // One operation on its way.
    class Relayed final : public Operation {
    public:
        explicit Relayed(Relay& relay) noexcept : Operation(Accept{-1}), relay_(relay) {}
        void complete(Completion completion) noexcept override;

        Operation* original = nullptr;
        std::vector<iovec> parts;  // For an heir that sends otherwise than it was asked to.

    private:
        Relay& relay_;
    };

    // May alter what is asked for. False: keep it back, until release().
    virtual bool submitting(Relayed& operation) noexcept;
    // May alter what is answered. False: keep it back, until release().
    virtual bool completing(Relayed& operation, Completion& completion) noexcept;

    // Hands over a completion.
    void release(Relayed& operation, Completion completion) noexcept;

    [[nodiscard]] Backend& real() noexcept { return real_; }

private:
    Backend& real_;
    std::vector<std::unique_ptr<Relayed>> all_;
    std::vector<Relayed*> free_;
};

}  // namespace sluice::campaign
