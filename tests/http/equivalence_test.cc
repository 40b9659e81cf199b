// What becomes of an exchange does not depend on the backend: the same faults, octet by octet, end
// in the same records on io_uring, on epoll and in the simulator.

#include "sluice/runtime/backend.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/epoll_backend.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/uring_backend.h"
#include "sluice/tests/http/client_faults.h"
#include "sluice/tests/http/server_faults.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::tests::Asked;
using http::tests::client_faults;
using http::tests::ClientFault;
using http::tests::ClientRig;
using http::tests::timeless;

// One for each fault, in order.
using Records = std::vector<std::string>;

// Of five digits, as the kernel's are: it is a part of the requests.
constexpr std::uint16_t simulated_port = 20'000;

std::string record_of(const Played& played) {
    std::string record;
    for (const ClientSaw& client : played.clients) {
        record += "saw " + without_dates(client.octets) + "\nand ";
        record += client.end == PeerEnd::none  ? "nothing"
                  : client.end == PeerEnd::fin ? "FIN"
                                               : "reset";
        record += "\n";
    }
    for (const http::Outcome& outcome : played.outcomes) {
        record += timeless(outcome);
    }
    for (const http::Outcome& rise : played.rises) {
        record += "rose: " + timeless(rise);
    }
    return record;
}

Task<> record(Loop& loop, Endpoint at, const ServerFault& fault, std::string& into) {
    const Played played = co_await play_on(loop, at, fault.scene);
    into = record_of(played);
}

Task<> record(Loop& loop, Endpoint at, const ClientFault& fault, std::string& into) {
    const ClientRig::Drive drive = [&](ClientRig& rig) { return ask(rig, fault.asked, into); };
    co_await http::tests::with_client_on(loop, at, fault.scripts, drive, fault.options);
}

// A few at a time, which is quicker where time limits must pass, and puts several completions into
// one turn.
template <typename Fault>
Task<Records> record_all(Loop& loop, std::span<const Fault> faults, std::uint16_t port) {
    constexpr std::size_t at_once_max = 200;
    Records records(faults.size());
    for (std::size_t begin = 0; begin < faults.size(); begin += at_once_max) {
        Scope scope(loop);
        for (std::size_t index = begin; index < std::min(begin + at_once_max, faults.size());
             ++index) {
            const auto number = static_cast<std::uint16_t>(port == 0 ? 0 : port + index);
            scope.spawn(record(loop, Endpoint::loopback(number), faults[index], records[index]));
        }
        co_await scope.join();
    }
    co_return records;
}

template <typename Fault>
Records on(Backend& backend, std::span<const Fault> faults) {
    Loop loop(backend);
    return block_on(loop, record_all(loop, faults, 0));
}

template <typename Fault>
Records in_simulation(std::uint64_t seed, std::span<const Fault> faults) {
    simulation::Options options;
    options.seed = seed;
    options.network.latency_min = Duration::zero();
    options.network.latency_max = Duration::zero();
    return simulation::run(options, [&](const simulation::World& world) {
        return record_all(world.loop, faults, simulated_port);
    });
}

template <typename Fault>
void compare(std::span<const Fault> faults, const Records& records, const Records& expected) {
    REQUIRE(records.size() == expected.size());
    for (std::size_t index = 0; index < faults.size(); ++index) {
        CAPTURE(faults[index].what);
        CHECK(records[index] == expected[index]);
    }
}

template <typename Fault>
void check_equivalence(std::span<const Fault> faults) {
    const Records on_uring = on(*UringBackend::create().value(), faults);
    {
        INFO("epoll");
        compare(faults, on(*EpollBackend::create().value(), faults), on_uring);
    }
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        CAPTURE(seed);
        compare(faults, in_simulation(seed, faults), on_uring);
    }
}

TEST_CASE("backends: what a client does to a server is told in the same words on all of them",
          "[http][outcome][kernel]") {
    const std::vector<ServerFault> faults = server_faults();
    check_equivalence(std::span(faults));
}

TEST_CASE("backends: what a server does to a client is told in the same words on all of them",
          "[http][outcome][kernel]") {
    const std::vector<ClientFault> faults = client_faults();
    check_equivalence(std::span(faults));
}

}  // namespace
}  // namespace sluice::tests
