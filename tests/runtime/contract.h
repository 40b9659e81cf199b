// contract: what the tests of the Backend contract share: both backends, operations that record.
//
// The same cases run on the simulator and on the kernel. Where they differ, the simulator is wrong.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/epoll_backend.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/runtime/uring_backend.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/temporary_directory.h"

#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::tests {

inline constexpr unsigned contract_buffers = 4;
inline constexpr unsigned contract_buffer_octets = 4096;
inline constexpr std::size_t contract_descriptors = 64;  // In the simulator.

class OnSimulation {
public:
    static constexpr std::uint64_t seeds = 50;

    explicit OnSimulation(std::uint64_t seed, std::uint16_t port_min = 32'768,
                          std::uint16_t port_max = 60'999)
        : backend_({.seed = seed,
                    .network = {.hosts = {Endpoint::loopback(0), *Endpoint::parse("[::1]:0")},
                                .port_min = port_min,
                                .port_max = port_max},
                    .buffers = contract_buffers,
                    .buffer_octets = contract_buffer_octets,
                    .descriptors_max = contract_descriptors}) {
        backend_.mount("/dev/shm");
    }

    Backend& operator*() noexcept { return backend_; }
    Backend* operator->() noexcept { return &backend_; }
    [[nodiscard]] simulation::SimulatedBackend& simulated() noexcept { return backend_; }
    [[nodiscard]] static std::string path(std::string_view name) {
        return "/tmp/" + std::string(name);
    }

private:
    simulation::SimulatedBackend backend_;
};

class OnUring {
public:
    static constexpr std::uint64_t seeds = 1;  // The kernel has no seed.

    explicit OnUring(std::uint64_t) : OnUring(UringFeatures{}) {}
    explicit OnUring(const UringFeatures& features)
        : backend_(UringBackend::create({.receive_buffers = contract_buffers,
                                         .receive_buffer_octets = contract_buffer_octets,
                                         .features = features})
                       .value()) {}

    Backend& operator*() noexcept { return *backend_; }
    Backend* operator->() noexcept { return backend_.get(); }
    [[nodiscard]] std::string path(std::string_view name) const { return directory_.path(name); }

private:
    TemporaryDirectory directory_;
    std::unique_ptr<UringBackend> backend_;
};

// As on a kernel that has nothing but what the backend cannot do without.
class OnOldUring : public OnUring {
public:
    explicit OnOldUring(std::uint64_t)
        : OnUring(UringFeatures{.cooperative_work = false,
                                .multishot_accept = false,
                                .single_issuer = false,
                                .multishot_receive = false,
                                .deferred_work = false}) {}
};

class OnEpoll {
public:
    static constexpr std::uint64_t seeds = 1;

    explicit OnEpoll(std::uint64_t)
        : backend_(EpollBackend::create({.receive_buffers = contract_buffers,
                                         .receive_buffer_octets = contract_buffer_octets})
                       .value()) {}

    Backend& operator*() noexcept { return *backend_; }
    Backend* operator->() noexcept { return backend_.get(); }
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

inline bool ends(Backend& backend, Recorded& operation) {
    return wait_for(backend, [&] { return operation.ended; });
}

inline Recorded::~Recorded() {
    if (!ended) {
        cancel();
        ends(backend_, *this);
    }
}

inline void Recorded::complete(Completion completion) noexcept {
    results.push_back(completion.result);
    if (!completion.received.empty()) {
        const std::span<std::byte> arrived = completion.received.octets();
        octets.append(reinterpret_cast<const char*>(arrived.data()), arrived.size());
        if (keeps_buffers) {
            kept.push_back(std::move(completion.received));
        }
    }
    ended = !completion.more;
}

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

inline std::int32_t result_of(Backend& backend, const Request& request) {
    Recorded operation(backend, request);
    REQUIRE(ends(backend, operation));
    return operation.last();
}

inline std::int32_t send(Backend& backend, int fd, std::string_view text) {
    const Parts parts(text);
    return result_of(backend, Send{fd, parts});
}

// What a receive brings up to its end, re-armed for as long as it ends without a reason.
struct Input {
    std::string octets;
    std::int32_t end;
};

inline Input receive_to_end(Backend& backend, int fd) {
    Recorded receiving(backend, Receive{fd});
    for (;;) {
        REQUIRE(ends(backend, receiving));
        if (receiving.last() <= 0) {
            return {receiving.octets, receiving.last()};
        }
        receiving.submit_again();
    }
}

inline std::string receive_octets(Backend& backend, int fd, std::size_t count) {
    Recorded receiving(backend, Receive{fd});
    REQUIRE(wait_for(backend, [&] {
        if (receiving.ended && receiving.octets.size() < count) {
            receiving.submit_again();
        }
        return receiving.octets.size() >= count;
    }));
    receiving.cancel();
    REQUIRE(ends(backend, receiving));
    return receiving.octets;
}

// Two connected sockets and the listener they met at, closed at the end unless a test did.
class Pair {
public:
    explicit Pair(Backend& backend) : backend_(backend) {
        listener = backend.listen(Endpoint::loopback(0), {}).value();
        const Endpoint to = backend.local_endpoint(listener);
        client = backend.open_socket(AF_INET).value();
        Recorded accepting(backend, Accept{listener});
        REQUIRE(result_of(backend, Connect{client, &to}) == 0);
        REQUIRE(wait_for(backend, [&] {
            if (accepting.ended) {
                accepting.submit_again();  // No descriptor, at that moment.
            }
            return !accepting.results.empty() && accepting.last() >= 0;
        }));
        server = accepting.last();
    }
    Pair(Pair&&) = delete;
    ~Pair() {
        close(client);
        close(server);
        close(listener);
    }

    void close(int& fd, Ending ending = Ending::orderly) {
        if (fd >= 0) {
            backend_.close(std::exchange(fd, -1), ending);
        }
    }

    int listener = -1;
    int client = -1;
    int server = -1;

private:
    Backend& backend_;
};

// More than the buffers of both kernels take while nobody reads.
inline const std::string& more_than_fits() {
    static const std::string octets = [] {
        std::string made(std::size_t{64} * 1024 * 1024, '\0');
        for (std::size_t index = 0; index < made.size(); ++index) {
            made[index] = static_cast<char>(index % 251);
        }
        return made;
    }();
    return octets;
}

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
