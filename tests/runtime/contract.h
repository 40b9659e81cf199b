// contract: what the tests of the Backend contract share: both backends, operations that record.
//
// The same cases run on the simulator and on the kernel. Where they differ, the simulator is wrong.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/operation.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/temporary_directory.h"

#include <sys/uio.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class EpollBackend;
class UringBackend;
struct UringFeatures;

namespace simulation {
class SimulatedBackend;
}

}  // namespace sluice

namespace sluice::tests {

inline constexpr unsigned contract_buffers = 4;
inline constexpr unsigned contract_buffer_octets = 4096;
inline constexpr std::size_t contract_descriptors = 64;  // In the simulator.

class OnSimulation {
public:
    static constexpr std::uint64_t seeds = 50;

    explicit OnSimulation(std::uint64_t seed, std::uint16_t port_min = 32'768,
                          std::uint16_t port_max = 60'999);
    ~OnSimulation();

    Backend& operator*() noexcept;
    Backend* operator->() noexcept { return &**this; }
    [[nodiscard]] simulation::SimulatedBackend& simulated() noexcept { return *backend_; }
    [[nodiscard]] static std::string path(std::string_view name) {
        return std::string("/tmp/").append(name);
    }

private:
    std::unique_ptr<simulation::SimulatedBackend> backend_;
};

class OnUring {
public:
    static constexpr std::uint64_t seeds = 1;  // The kernel has no seed.

    explicit OnUring(std::uint64_t);
    explicit OnUring(const UringFeatures& features);
    ~OnUring();

    Backend& operator*() noexcept;
    Backend* operator->() noexcept { return &**this; }
    [[nodiscard]] std::string path(std::string_view name) const { return directory_.path(name); }

private:
    TemporaryDirectory directory_;
    std::unique_ptr<UringBackend> backend_;
};

// As on a kernel that has nothing but what the backend cannot do without.
class OnOldUring : public OnUring {
public:
    explicit OnOldUring(std::uint64_t);
};

class OnEpoll {
public:
    static constexpr std::uint64_t seeds = 1;

    explicit OnEpoll(std::uint64_t);
    ~OnEpoll();

    Backend& operator*() noexcept;
    Backend* operator->() noexcept { return &**this; }
    [[nodiscard]] std::string path(std::string_view name) const { return directory_.path(name); }

private:
    TemporaryDirectory directory_;
    std::unique_ptr<EpollBackend> backend_;
};

// An operation that keeps what became of it.
class Recorded final : public Operation {
public:
    Recorded(Backend& backend, const Request& wanted) : Operation(wanted), backend_(backend) {
        backend.submit(*this);
    }
    // A test that failed half-way takes back what it had begun.
    ~Recorded();

    void complete(Completion completion) noexcept override;

    void submit_again() {
        ended = false;
        backend_.submit(*this);
    }
    void cancel() { backend_.cancel(*this); }
    [[nodiscard]] std::int32_t last() const { return results.empty() ? 1 : results.back(); }

    bool ended = false;
    bool keeps_buffers = false;
    std::vector<std::int32_t> results;
    std::string octets;
    std::vector<Received> kept;

private:
    Backend& backend_;
};

// Waits until `condition` holds. Bounded, so that a failure is not a hang.
template <typename Condition>
bool wait_for(Backend& backend, Condition condition) {
    for (int waits = 0; waits < 5000; ++waits) {
        if (condition()) {
            return true;
        }
        backend.wait(backend.now() + std::chrono::milliseconds(2));
    }
    return false;
}

bool ends(Backend& backend, Recorded& operation);

// A text as the parts of a Send.
class Parts {
public:
    explicit Parts(std::string_view text) {
        parts_[0] = {const_cast<char*>(text.data()), text.size()};
    }
    operator std::span<const iovec>() const { return parts_; }

private:
    std::array<iovec, 1> parts_{};
};

// What must be an address: "[::1]:0".
[[nodiscard]] Endpoint parsed(std::string_view text);

std::int32_t result_of(Backend& backend, const Request& request);
std::int32_t send(Backend& backend, int fd, std::string_view text);

// What a receive brings up to its end, re-armed for as long as it ends without a reason.
struct Input {
    std::string octets;
    std::int32_t end;
};

Input receive_to_end(Backend& backend, int fd);
std::string receive_octets(Backend& backend, int fd, std::size_t count);

// Two connected sockets and the listener they met at, closed at the end unless a test did.
class Pair {
public:
    explicit Pair(Backend& backend);
    Pair(Pair&&) = delete;
    ~Pair() {
        close(client);
        close(server);
        close(listener);
    }

    void close(int& fd, Ending ending = Ending::orderly);

    int listener = -1;
    int client = -1;
    int server = -1;

private:
    Backend& backend_;
};

// More than the buffers of both kernels take while nobody reads.
const std::string& more_than_fits();

// Once on the kernel; on the simulator once for each of its interleavings.
template <typename World, typename Check>
void in_each_world(Check check) {
    for (std::uint64_t seed = 0; seed < World::seeds; ++seed) {
        CAPTURE(seed);
        World world(seed);
        check(world);
    }
}

}  // namespace sluice::tests
