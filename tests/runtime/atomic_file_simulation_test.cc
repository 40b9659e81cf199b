#include "sluice/runtime/atomic_file.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/runtime/simulation/random.h"
#include "sluice/runtime/simulation/run.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using simulation::Options;
using simulation::World;

constexpr std::uint64_t seeds = 1000;
constexpr const char* path = "/store/film";

struct Stored {
    Result<std::uint64_t> result;
    bool visible;
};

Task<Stored> store(std::string content) {
    MemorySource source(content, 1000);
    AtomicFile file(path);
    const Result<std::uint64_t> result = co_await forward(source, file);
    co_return Stored{result, file.is_visible()};
}

Task<Stored> store_for(Duration limit, std::string content) {
    MemorySource source(content, 1000);
    AtomicFile file(path);
    Task<Result<std::uint64_t>> forwarding = forward(source, file);
    const Result<std::uint64_t> result = co_await with_timeout(limit, std::move(forwarding));
    co_return Stored{result, file.is_visible()};
}

// What must hold in every world, whatever went wrong in it.
void check(const World& world, const Stored& stored, const std::optional<std::string>& old,
           const std::string& content) {
    const simulation::Disk& disk = world.backend.disk();
    if (stored.result) {
        CHECK(stored.result == content.size());
        CHECK(disk.contents(path) == content);
        CHECK(disk.synced_contents(path) == content);  // A crash right now would not hurt it.
        CHECK(disk.list("/store").size() == 1);
    } else if (stored.visible) {
        CHECK(stored.result.error().phase == Phase::sync);
        CHECK(disk.contents(path) == content);
    } else {
        CHECK(disk.contents(path) == old);
        CHECK(disk.list("/store").size() == (old ? 1U : 0U));
    }
    // After a crash there is all of one or all of the other.
    const std::optional<std::string> survivor = disk.synced_contents(path);
    CHECK((survivor == old || survivor == content));
}

// A disk on which an operation fails now and then, and which may be too small.
Options options_of(std::uint64_t seed) {
    Options options = simulation::faulty(seed);
    simulation::Random random(seed * 2 + 1);
    const auto percent = [&random] {
        return random.chance(50) ? 0 : static_cast<int>(random.below(15));
    };
    options.disk.open_error_percent = percent();
    options.disk.read_error_percent = percent();
    options.disk.write_error_percent = percent();
    options.disk.sync_error_percent = percent();
    if (random.chance(20)) {
        options.disk.capacity_octets = random.between(3, 20'000);
    }
    return options;
}

struct Tally {
    int stored = 0;
    int failed = 0;
};

template <typename Begin>
Tally run_all_seeds(Begin begin) {
    Tally tally;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        INFO("seed " << seed);
        simulation::Random random(seed);
        const std::string content(random.below(20'000), 'n');
        const std::optional<std::string> old =
            random.chance(50) ? std::optional<std::string>("old") : std::nullopt;
        simulation::SimulatedBackend backend(options_of(seed));
        Loop loop(backend);
        const World world{backend, loop};
        backend.disk().make_directory("/store");
        if (old) {
            backend.disk().preload(path, *old);
        }
        const Stored stored = block_on(loop, begin(random, content));
        check(world, stored, old, content);
        ++(stored.result ? tally.stored : tally.failed);
    }
    return tally;
}

TEST_CASE("atomic file: in a thousand worlds of faults it is whole and durable, or not there",
          "[runtime][atomic_file][campaign]") {
    const Tally tally = run_all_seeds(
        [](simulation::Random&, const std::string& content) { return store(content); });
    CHECK(tally.stored > 50);
    CHECK(tally.failed > 50);
}

TEST_CASE("atomic file: stopped at any moment of a thousand worlds it is whole, or not there",
          "[runtime][atomic_file][campaign]") {
    const Tally tally = run_all_seeds([](simulation::Random& random, const std::string& content) {
        const Duration limit(static_cast<std::int64_t>(random.below(1'000'000)));
        return store_for(limit, content);
    });
    CHECK(tally.stored > 50);
    CHECK(tally.failed > 50);
}

TEST_CASE("atomic file: a full disk leaves the old file, and no octet in use but its own",
          "[runtime][atomic_file]") {
    Options options;
    options.disk.capacity_octets = 10'000;
    simulation::SimulatedBackend backend(options);
    Loop loop(backend);
    backend.disk().make_directory("/store");
    backend.disk().preload(path, "old");
    const Stored stored = block_on(loop, store(std::string(20'000, 'n')));
    REQUIRE_FALSE(stored.result);
    CHECK(stored.result.error().code == Errc::no_space);
    CHECK(stored.result.error().octets_done == 9'997);
    CHECK(backend.disk().contents(path) == "old");
    CHECK(backend.disk().used_octets() == 3);
}

}  // namespace
}  // namespace sluice
