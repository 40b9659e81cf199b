// What a crash leaves of a simulated disk: all that was synced, and any part of the rest.

#include "sluice/runtime/simulation/disk.h"

#include "sluice/runtime/simulation/faults.h"
#include "sluice/tests/catch.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::simulation {
namespace {

constexpr std::uint64_t crashes = 300;
constexpr std::size_t sector = 512;

// A machine: a disk, and programs that write to it.
class Machine {
public:
    explicit Machine(const Options& options = {})
        : options_(options), faults_(options_), disk_(options_.disk, faults_) {
        disk_.make_directory("/store");
        disk_.make_directory("/other");
    }

    Disk& disk() noexcept { return disk_; }

    std::int32_t open(std::string_view path, int flags = O_RDWR | O_CREAT) {
        const std::int32_t result = disk_.open(++last_fd_, path, flags, 0644);
        return result < 0 ? result : last_fd_;
    }
    int create(std::string_view path, std::string_view text) {
        const int fd = open(path);
        write(fd, text, 0);
        return fd;
    }
    void write(int fd, std::string_view text, std::uint64_t at) {
        const auto octets = std::as_bytes(std::span(text));
        REQUIRE(disk_.write(fd, octets, at, 0) == static_cast<std::int32_t>(text.size()));
    }
    std::int32_t sync_directory(std::string_view path) {
        const int fd = open(path, O_RDONLY | O_DIRECTORY);
        const std::int32_t result = disk_.sync(fd);
        disk_.close(fd);
        return result;
    }

    // Everything that `look` sees, in many crashes at this moment.
    template <typename Look>
    auto after_crashes(Look look) const {
        std::set<decltype(look(disk_))> seen;
        for (std::uint64_t seed = 0; seed < crashes; ++seed) {
            Random random(seed);
            const Options options;
            Faults faults(options);
            Disk next(options.disk, faults);
            next.load(disk_.crash(random));
            seen.insert(look(next));
        }
        return seen;
    }

private:
    Options options_;
    Faults faults_;
    Disk disk_;
    int last_fd_ = 0;
};

using Seen = std::set<std::optional<std::string>>;

// What crashes leave of /store/file.
Seen seen_of_file(const Machine& machine) {
    return machine.after_crashes([](const Disk& disk) { return disk.contents("/store/file"); });
}

std::set<std::vector<std::string>> seen_names(const Machine& machine, std::string_view directory) {
    return machine.after_crashes([&](const Disk& disk) { return disk.list(directory); });
}

TEST_CASE("disk: what was synced, with its name, is there after every crash",
          "[runtime][simulation][disk]") {
    Machine machine;
    const int fd = machine.create("/store/file", "kept");
    REQUIRE(machine.disk().sync(fd) == 0);
    REQUIRE(machine.sync_directory("/store") == 0);
    CHECK(seen_of_file(machine) == Seen{"kept"});
}

TEST_CASE("disk: of writes that were not synced a crash leaves any sectors and any length",
          "[runtime][simulation][disk]") {
    Machine machine;
    machine.disk().preload("/store/file", std::string(3 * sector, 'o'));
    const int fd = machine.open("/store/file");
    machine.write(fd, std::string(3 * sector, 'n'), 0);
    Seen every_mixture;
    for (const char first : {'o', 'n'}) {
        for (const char second : {'o', 'n'}) {
            for (const char third : {'o', 'n'}) {
                every_mixture.insert(std::string(sector, first) + std::string(sector, second) +
                                     std::string(sector, third));
            }
        }
    }
    CHECK(seen_of_file(machine) == every_mixture);

    // One that grew is as long as it ever was, with zeros where nothing arrived.
    machine.disk().preload("/store/file", "");
    const int growing = machine.open("/store/file");
    machine.write(growing, "one", 0);
    machine.write(growing, "two", 3);
    CHECK(seen_of_file(machine) == Seen{"", "one", "onetwo", std::string(3, '\0'),
                                        "one" + std::string(3, '\0'), std::string(6, '\0')});
}

TEST_CASE("disk: a sector that was written again is old, new, or what it was in between",
          "[runtime][simulation][disk]") {
    Machine machine;
    machine.disk().preload("/store/file", "a");
    const int fd = machine.open("/store/file");
    machine.write(fd, "b", 0);
    machine.write(fd, "c", 0);
    CHECK(seen_of_file(machine) == Seen{"a", "b", "c"});
    REQUIRE(machine.disk().sync(fd) == 0);
    CHECK(seen_of_file(machine) == Seen{"c"});
}

TEST_CASE("disk: what was truncated and not synced may be there again",
          "[runtime][simulation][disk]") {
    Machine machine;
    machine.disk().preload("/store/file", "old");
    const int fd = machine.open("/store/file", O_WRONLY | O_TRUNC);
    CHECK(seen_of_file(machine) == Seen{"", "old", std::string(3, '\0')});
    REQUIRE(machine.disk().sync(fd) == 0);
    CHECK(seen_of_file(machine) == Seen{""});
    machine.write(fd, "x", 1);
    REQUIRE(machine.disk().sync(fd) == 0);
    CHECK(seen_of_file(machine) == Seen{std::string("\0x", 2)});
}

TEST_CASE("disk: a name is there for sure once its directory was synced, not its file",
          "[runtime][simulation][disk]") {
    Machine machine;
    const int fd = machine.create("/store/file", "kept");
    REQUIRE(machine.disk().sync(fd) == 0);
    CHECK(seen_of_file(machine) == Seen{std::nullopt, "kept"});
    REQUIRE(machine.sync_directory("/other") == 0);
    CHECK(seen_of_file(machine) == Seen{std::nullopt, "kept"});
    REQUIRE(machine.sync_directory("/store") == 0);
    CHECK(seen_of_file(machine) == Seen{"kept"});

    REQUIRE(machine.disk().remove("/store/file") == 0);
    CHECK(seen_of_file(machine) == Seen{std::nullopt, "kept"});
    REQUIRE(machine.sync_directory("/store") == 0);
    CHECK(seen_of_file(machine) == Seen{std::nullopt});
}

TEST_CASE("disk: names that were not synced survive in any choice, not only the first of them",
          "[runtime][simulation][disk]") {
    Machine machine;
    machine.create("/store/a", "");
    machine.create("/store/b", "");
    CHECK(seen_names(machine, "/store") ==
          std::set<std::vector<std::string>>{{}, {"a"}, {"b"}, {"a", "b"}});
}

TEST_CASE("disk: a rename happened, or it did not: one name, never two and never none",
          "[runtime][simulation][disk]") {
    Machine machine;
    machine.disk().preload("/store/new", "new");
    machine.disk().preload("/store/file", "old");
    REQUIRE(machine.disk().rename("/store/new", "/store/file") == 0);
    CHECK(seen_of_file(machine) == Seen{"old", "new"});
    CHECK(seen_names(machine, "/store") ==
          std::set<std::vector<std::string>>{{"file"}, {"file", "new"}});
    REQUIRE(machine.sync_directory("/store") == 0);
    CHECK(seen_of_file(machine) == Seen{"new"});
}

TEST_CASE("disk: a rename between directories is kept by the sync of either, with what led to it",
          "[runtime][simulation][disk]") {
    Machine machine;
    const int fd = machine.create("/other/file", "moved");
    REQUIRE(machine.disk().sync(fd) == 0);
    REQUIRE(machine.disk().rename("/other/file", "/store/file") == 0);
    REQUIRE(machine.sync_directory("/store") == 0);
    CHECK(seen_of_file(machine) == Seen{"moved"});
    CHECK(seen_names(machine, "/other") == std::set<std::vector<std::string>>{{}});
}

TEST_CASE("disk: what a failed sync did not keep no later sync keeps, until it is written again",
          "[runtime][simulation][disk]") {
    Options options;
    options.disk.sync_error_percent = 50;
    Machine machine(options);
    machine.disk().preload("/store/file", "o");
    const int fd = machine.open("/store/file");
    do {
        do {
            machine.write(fd, "o", 0);
        } while (machine.disk().sync(fd) != 0);
        machine.write(fd, "n", 0);
    } while (machine.disk().sync(fd) == 0);
    CHECK(seen_of_file(machine) == Seen{"o", "n"});
    while (machine.disk().sync(fd) != 0) {
    }
    CHECK(seen_of_file(machine) == Seen{"o", "n"});
    CHECK(machine.disk().contents("/store/file") == "n");  // Programs see it all the same.
    do {
        machine.write(fd, "n", 0);
    } while (machine.disk().sync(fd) != 0);
    CHECK(seen_of_file(machine) == Seen{"n"});
}

TEST_CASE("disk: a sync that lies says that it went well, and kept nothing",
          "[runtime][simulation][disk]") {
    Options options;
    options.disk.sync_lie_percent = 100;
    Machine machine(options);
    machine.disk().preload("/store/file", "o");
    const int fd = machine.open("/store/file");
    machine.write(fd, "n", 0);
    CHECK(machine.disk().sync(fd) == 0);
    CHECK(seen_of_file(machine) == Seen{"o", "n"});
}

TEST_CASE("disk: after the power is off nothing reaches it, and what was there stays",
          "[runtime][simulation][disk]") {
    Machine machine;
    machine.disk().preload("/store/file", "o");
    const int fd = machine.open("/store/file");
    machine.disk().power_off();
    const std::string_view text = "n";
    std::byte octet{};
    struct statx status{};
    CHECK(machine.disk().write(fd, std::as_bytes(std::span(text)), 0, 0) == -EIO);
    CHECK(machine.disk().read(fd, {&octet, 1}, 0) == -EIO);
    CHECK(machine.disk().sync(fd) == -EIO);
    CHECK(machine.disk().status(fd, status) == -EIO);
    CHECK(machine.disk().link(fd, "/store/more") == -EIO);
    CHECK(machine.disk().rename("/store/file", "/store/more") == -EIO);
    CHECK(machine.disk().remove("/store/file") == -EIO);
    CHECK(machine.open("/store/more") == -EIO);
    CHECK(seen_of_file(machine) == Seen{"o"});
}

TEST_CASE("disk: the next machine finds one file under both its names, and the room that is left",
          "[runtime][simulation][disk]") {
    Options options;
    options.disk.capacity_octets = 10;
    Machine machine(options);
    const int fd = machine.create("/store/file", "four");
    REQUIRE(machine.disk().link(fd, "/other/file") == 0);
    REQUIRE(machine.disk().sync(fd) == 0);
    REQUIRE(machine.sync_directory("/store") == 0);
    REQUIRE(machine.sync_directory("/other") == 0);

    Random random(1);
    Machine next(options);
    next.disk().load(machine.disk().crash(random));
    CHECK(next.disk().used_octets() == 4);
    next.write(next.open("/store/file"), "FOUR", 0);
    CHECK(next.disk().contents("/other/file") == "FOUR");
    struct statx status{};
    REQUIRE(next.disk().status(next.open("/other/file"), status) == 0);
    CHECK(status.stx_nlink == 2);
}

TEST_CASE("disk: a file without a name leaves nothing, and takes no room once it is closed",
          "[runtime][simulation][disk]") {
    Machine machine;
    const int fd = machine.open("/store", O_RDWR | O_TMPFILE);
    machine.write(fd, "gone", 0);
    REQUIRE(machine.disk().sync(fd) == 0);
    CHECK(seen_names(machine, "/store") == std::set<std::vector<std::string>>{{}});
    CHECK(machine.disk().used_octets() == 4);
    machine.disk().close(fd);
    CHECK(machine.disk().used_octets() == 0);
}

TEST_CASE("disk: an image tells what a file in it contains", "[runtime][simulation][disk]") {
    Machine machine;
    machine.disk().preload("/store/deep/file", "text");
    Random random(1);
    const DiskImage image = machine.disk().crash(random);
    CHECK(image.contents("/store/deep/file") == "text");
    CHECK(image.contents("store//deep/file") == "text");
    CHECK(image.contents("/store/deep") == std::nullopt);
    CHECK(image.contents("/store/file") == std::nullopt);
    CHECK(image.contents("/store/deep/file/more") == std::nullopt);
}

TEST_CASE("disk: one seed is one crash", "[runtime][simulation][disk]") {
    Machine machine;
    const int fd = machine.create("/store/file", std::string(20 * sector, 'x'));
    machine.write(fd, std::string(20 * sector, 'y'), 100);
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Random first(seed);
        Random again(seed);
        const DiskImage left = machine.disk().crash(first);
        const DiskImage same = machine.disk().crash(again);
        REQUIRE(left.nodes.size() == same.nodes.size());
        CHECK((left.nodes.back().contents == same.nodes.back().contents));
    }
}

}  // namespace
}  // namespace sluice::simulation
