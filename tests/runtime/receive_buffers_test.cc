// Which buffers the kernel is shown: few that are used again and again, and more where many
// receives need one at once.

#include "sluice/runtime/receive_buffers.h"

#include "sluice/runtime/uring_backend.h"
#include "sluice/tests/runtime/contract.h"

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

constexpr unsigned many_buffers = 256;

std::unique_ptr<UringBackend> backend_with_many_buffers() {
    return UringBackend::create({.receive_buffers = many_buffers, .receive_buffer_octets = 4096})
        .value();
}

TEST_CASE("receive buffers: a large upload goes through few of them, again and again",
          "[runtime][uring]") {
    const std::unique_ptr<UringBackend> backend = backend_with_many_buffers();
    Pair pair(*backend);
    std::set<const std::byte*> used;
    Recorded receiving(*backend, Receive{pair.server});
    receiving.keeps_buffers = true;
    const std::string piece(64 * 1024, 'x');
    for (std::size_t octets = piece.size(); octets <= 32 * piece.size(); octets += piece.size()) {
        REQUIRE(send(*backend, pair.client, piece) == static_cast<std::int32_t>(piece.size()));
        REQUIRE(wait_for(*backend, [&] {
            for (const Received& received : receiving.kept) {
                used.insert(received.octets().data());
            }
            receiving.kept.clear();
            if (receiving.ended) {
                receiving.submit_again();
            }
            return receiving.octets.size() == octets;
        }));
    }
    CHECK(used.size() <= 32);
    receiving.cancel();
    REQUIRE(ends(*backend, receiving));
}

TEST_CASE("receive buffers: all of them are there for receives that keep theirs",
          "[runtime][uring]") {
    const std::unique_ptr<UringBackend> backend = backend_with_many_buffers();
    constexpr std::size_t connections = 100;
    std::vector<std::unique_ptr<Pair>> pairs;
    std::vector<std::unique_ptr<Recorded>> receives;
    for (std::size_t count = 0; count < connections; ++count) {
        pairs.push_back(std::make_unique<Pair>(*backend));
        receives.push_back(std::make_unique<Recorded>(*backend, Receive{pairs.back()->server}));
        receives.back()->keeps_buffers = true;
        REQUIRE(send(*backend, pairs.back()->client, "x") == 1);
    }
    CHECK(wait_for(*backend, [&] {
        std::size_t kept = 0;
        for (const std::unique_ptr<Recorded>& receiving : receives) {
            kept += receiving->kept.size();
        }
        return kept == connections;
    }));
    receives.clear();
}

}  // namespace
}  // namespace sluice::tests
