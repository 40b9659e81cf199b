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
#include "sluice/tests/support/faulty_backend.h"

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

// Stores `content` on a machine that loses power when operation `last` is about to begin. Yields
// what the next machine finds, and nothing once there are no more operations.
struct AfterCrash {
    bool was_stored;
    std::optional<std::string> found;
    std::size_t names;
};

std::optional<AfterCrash> store_and_lose_power(std::uint64_t seed, std::size_t last,
                                               const std::optional<std::string>& old,
                                               const std::string& content) {
    simulation::SimulatedBackend backend(options_of(seed));
    backend.disk().make_directory("/store");
    if (old) {
        backend.disk().preload(path, *old);
    }
    simulation::Random random(seed * 1000 + last);
    std::optional<simulation::DiskImage> left;
    tests::FaultyBackend crashing(backend);
    crashing.before_each = [&](std::size_t number, const Request&) {
        if (number == last) {
            left = backend.disk().crash(random);
            backend.disk().power_off();
        }
        return 0;
    };
    Loop loop(crashing);
    const Stored stored = block_on(loop, store(content));
    if (!left && !stored.result) {
        return std::nullopt;
    }
    const bool was_stored = !left && stored.result.has_value();
    simulation::SimulatedBackend next;
    next.disk().load(left ? *left : backend.disk().crash(random));
    return AfterCrash{was_stored, next.disk().contents(path), next.disk().list("/store").size()};
}

TEST_CASE("atomic file: after power is lost at any operation the name is absent, or names all",
          "[runtime][atomic_file][campaign]") {
    int kept = 0;
    int lost = 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        simulation::Random random(seed);
        const std::string content(1 + random.below(5'000), 'n');
        const std::optional<std::string> old =
            random.chance(50) ? std::optional<std::string>("old") : std::nullopt;
        for (std::size_t last = 1;; ++last) {
            INFO("seed " << seed << ", at operation " << last);
            const std::optional<AfterCrash> after = store_and_lose_power(seed, last, old, content);
            if (!after) {
                break;
            }
            const bool is_whole = after->found == content;
            CHECK((is_whole || after->found == old));
            CHECK(after->names <= 2);  // A hidden name may be left beside it.
            ++(is_whole ? kept : lost);
            if (after->was_stored) {
                CHECK(is_whole);
                break;
            }
        }
    }
    CHECK(kept > 500);
    CHECK(lost > 500);
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
