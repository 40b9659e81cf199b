#include "sluice/tests/runtime/contract.h"

#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/epoll_backend.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/runtime/uring_backend.h"

#include <utility>

namespace sluice::tests {

OnSimulation::OnSimulation(std::uint64_t seed, std::uint16_t port_min, std::uint16_t port_max)
    : backend_(std::make_unique<simulation::SimulatedBackend>(simulation::Options{
          .seed = seed,
          .network = {.hosts = {Endpoint::loopback(0), *Endpoint::parse("[::1]:0")},
                      .port_min = port_min,
                      .port_max = port_max},
          .buffers = contract_buffers,
          .buffer_octets = contract_buffer_octets,
          .descriptors_max = contract_descriptors})) {
    backend_->mount("/dev/shm");
}

OnSimulation::~OnSimulation() = default;

Backend& OnSimulation::operator*() noexcept {
    return *backend_;
}

OnUring::OnUring(std::uint64_t) : OnUring(UringFeatures{}) {}

OnUring::OnUring(const UringFeatures& features)
    : backend_(UringBackend::create({.receive_buffers = contract_buffers,
                                     .receive_buffer_octets = contract_buffer_octets,
                                     .features = features})
                   .value()) {}

OnUring::~OnUring() = default;

Backend& OnUring::operator*() noexcept {
    return *backend_;
}

OnOldUring::OnOldUring(std::uint64_t)
    : OnUring(UringFeatures{.cooperative_work = false,
                            .multishot_accept = false,
                            .single_issuer = false,
                            .multishot_receive = false,
                            .deferred_work = false}) {}

OnEpoll::OnEpoll(std::uint64_t)
    : backend_(EpollBackend::create({.receive_buffers = contract_buffers,
                                     .receive_buffer_octets = contract_buffer_octets})
                   .value()) {}

OnEpoll::~OnEpoll() = default;

Backend& OnEpoll::operator*() noexcept {
    return *backend_;
}

Recorded::~Recorded() {
    if (!ended) {
        cancel();
        ends(backend_, *this);
    }
}

void Recorded::complete(Completion completion) noexcept {
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

bool ends(Backend& backend, Recorded& operation) {
    return wait_for(backend, [&] { return operation.ended; });
}

Endpoint parsed(std::string_view text) {
    return Endpoint::parse(text).value();
}

std::int32_t result_of(Backend& backend, const Request& request) {
    Recorded operation(backend, request);
    REQUIRE(ends(backend, operation));
    return operation.last();
}

std::int32_t send(Backend& backend, int fd, std::string_view text) {
    const Parts parts(text);
    return result_of(backend, Send{fd, parts});
}

Input receive_to_end(Backend& backend, int fd) {
    Recorded receiving(backend, Receive{fd});
    for (;;) {
        REQUIRE(ends(backend, receiving));
        if (receiving.last() <= 0) {
            return {receiving.octets, receiving.last()};
        }
        receiving.submit_again();
    }
}

std::string receive_octets(Backend& backend, int fd, std::size_t count) {
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

Pair::Pair(Backend& backend) : backend_(backend) {
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

void Pair::close(int& fd, Ending ending) {
    if (fd >= 0) {
        backend_.close(std::exchange(fd, -1), ending);
    }
}

const std::string& more_than_fits() {
    static const std::string octets = [] {
        std::string made(std::size_t{64} * 1024 * 1024, '\0');
        for (std::size_t index = 0; index < made.size(); ++index) {
            made[index] = static_cast<char>(index % 251);
        }
        return made;
    }();
    return octets;
}

}  // namespace sluice::tests
