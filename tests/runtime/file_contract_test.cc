// What a Backend promises of files, on the kernel's file system and on the simulated disk.

#include "sluice/tests/runtime/contract.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace sluice::tests {
namespace {

std::span<const std::byte> octets_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

int open_file(Backend& backend, const std::string& path, int flags) {
    return result_of(backend, Open{path.c_str(), flags, 0640});
}

std::string read_at(Backend& backend, int fd, std::uint64_t offset, std::size_t octets) {
    std::string text(octets, '\0');
    const auto into = std::as_writable_bytes(std::span(text));
    const std::int32_t result = result_of(backend, Read{fd, into, offset});
    REQUIRE(result >= 0);
    return text.substr(0, static_cast<std::size_t>(result));
}

TEMPLATE_TEST_CASE("file: what was written is read, and nothing is past the end",
                   "[runtime][contract][file]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const std::string path = world.path("file");
        const int fd = open_file(*world, path, O_CREAT | O_EXCL | O_RDWR);
        REQUIRE(fd >= 0);
        CHECK(result_of(*world, Write{fd, octets_of("hello"), 0}) == 5);
        CHECK(result_of(*world, Write{fd, octets_of("world"), 7}) == 5);
        CHECK(result_of(*world, Sync{fd}) == 0);
        CHECK(read_at(*world, fd, 0, 100) == std::string("hello\0\0world", 12));
        CHECK(read_at(*world, fd, 9, 2) == "rl");
        CHECK(read_at(*world, fd, 12, 10).empty());
        world->close(fd);

        const int truncated = open_file(*world, path, O_WRONLY | O_TRUNC);
        REQUIRE(truncated >= 0);
        std::array<std::byte, 1> octet{};
        CHECK(result_of(*world, Read{truncated, octet, 0}) == -EBADF);
        struct statx status{};
        CHECK(result_of(*world, ReadStatus{truncated, &status}) == 0);
        CHECK(status.stx_size == 0);
        world->close(truncated);
        CHECK(result_of(*world, Remove{path.c_str()}) == 0);
    });
}

TEMPLATE_TEST_CASE("file: opening says why it cannot", "[runtime][contract][file]", OnSimulation,
                   OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const std::string path = world.path("file");
        CHECK(open_file(*world, path, O_RDONLY) == -ENOENT);
        CHECK(open_file(*world, world.path("none/file"), O_CREAT | O_WRONLY) == -ENOENT);
        const int fd = open_file(*world, path, O_CREAT | O_WRONLY);
        REQUIRE(fd >= 0);
        world->close(fd);
        CHECK(open_file(*world, path, O_CREAT | O_EXCL | O_WRONLY) == -EEXIST);
        CHECK(open_file(*world, path, O_RDONLY | O_DIRECTORY) == -ENOTDIR);
        CHECK(open_file(*world, world.path("."), O_WRONLY) == -EISDIR);
        const int read_only = open_file(*world, path, O_RDONLY);
        REQUIRE(read_only >= 0);
        CHECK(result_of(*world, Write{read_only, octets_of("x"), 0}) == -EBADF);
        world->close(read_only);
    });
}

TEMPLATE_TEST_CASE("file: a file without a name is given one, once and only if it is free",
                   "[runtime][contract][file]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const std::string path = world.path("named");
        const int fd = open_file(*world, world.path("."), O_TMPFILE | O_RDWR);
        REQUIRE(fd >= 0);
        CHECK(result_of(*world, Write{fd, octets_of("body"), 0}) == 4);
        CHECK(open_file(*world, path, O_RDONLY) == -ENOENT);
        CHECK(result_of(*world, Link{fd, path.c_str()}) == 0);
        CHECK(result_of(*world, Link{fd, path.c_str()}) == -EEXIST);
        world->close(fd);
        const int named = open_file(*world, path, O_RDONLY);
        REQUIRE(named >= 0);
        CHECK(read_at(*world, named, 0, 10) == "body");
        struct statx status{};
        CHECK(result_of(*world, ReadStatus{named, &status}) == 0);
        CHECK(status.stx_nlink == 1);
        CHECK(S_ISREG(status.stx_mode));
        CHECK((status.stx_mode & 0777) == 0640);
        world->close(named);
    });
}

TEMPLATE_TEST_CASE("file: a rename replaces, and who had the old file open keeps it",
                   "[runtime][contract][file]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const std::string from = world.path("from");
        const std::string to = world.path("to");
        for (const std::string& path : {from, to}) {
            const int fd = open_file(*world, path, O_CREAT | O_WRONLY);
            REQUIRE(fd >= 0);
            REQUIRE(result_of(*world, Write{fd, octets_of(path == from ? "new" : "old"), 0}) == 3);
            world->close(fd);
        }
        const int old = open_file(*world, to, O_RDONLY);
        CHECK(result_of(*world, Rename{from.c_str(), to.c_str()}) == 0);
        CHECK(result_of(*world, Rename{from.c_str(), to.c_str()}) == -ENOENT);
        const int renamed = open_file(*world, to, O_RDONLY);
        CHECK(read_at(*world, renamed, 0, 10) == "new");
        CHECK(read_at(*world, old, 0, 10) == "old");
        world->close(old);
        world->close(renamed);
        CHECK(result_of(*world, Remove{to.c_str()}) == 0);
        CHECK(result_of(*world, Remove{to.c_str()}) == -ENOENT);
    });
}

// Whether there are two, and not one under two names.
bool are_apart(Backend& backend, const char* one, const char* other) {
    if (backend.name() == "simulated") {
        return true;
    }
    struct stat of_one{};
    struct stat of_other{};
    return ::stat(one, &of_one) == 0 && ::stat(other, &of_other) == 0 &&
           of_one.st_dev != of_other.st_dev;
}

TEMPLATE_TEST_CASE("file: no name leads from one file system to another",
                   "[runtime][contract][file]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const std::string here = world.path("here");
        const std::string beside = world.path("beside");
        const std::string there = "/dev/shm/sluice-test-" + std::to_string(::getpid());
        const int fd = open_file(*world, here, O_CREAT | O_WRONLY);
        REQUIRE(fd >= 0);
        if (!are_apart(*world, here.c_str(), "/dev/shm")) {
            WARN("not checked on " << world->name() << ": /dev/shm is no file system of its own");
        } else {
            CHECK(result_of(*world, Rename{here.c_str(), there.c_str()}) == -EXDEV);
            const int unnamed = open_file(*world, "/dev/shm", O_TMPFILE | O_WRONLY);
            REQUIRE(unnamed >= 0);
            CHECK(result_of(*world, Link{unnamed, beside.c_str()}) == -EXDEV);
            CHECK(result_of(*world, Link{unnamed, there.c_str()}) == 0);
            CHECK(result_of(*world, Remove{there.c_str()}) == 0);
            world->close(unnamed);
        }
        world->close(fd);
        CHECK(result_of(*world, Remove{here.c_str()}) == 0);
    });
}

TEMPLATE_TEST_CASE("file: a directory can be opened, synced and asked what it is",
                   "[runtime][contract][file]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const int fd = open_file(*world, world.path("."), O_RDONLY | O_DIRECTORY);
        REQUIRE(fd >= 0);
        CHECK(result_of(*world, Sync{fd}) == 0);
        std::array<std::byte, 1> octet{};
        CHECK(result_of(*world, Read{fd, octet, 0}) == -EISDIR);
        struct statx status{};
        CHECK(result_of(*world, ReadStatus{fd, &status}) == 0);
        CHECK(S_ISDIR(status.stx_mode));
        world->close(fd);
    });
}

TEMPLATE_TEST_CASE("file: a cancelled operation has happened whole or not at all, and says which",
                   "[runtime][contract][file]", OnSimulation, OnUring, OnEpoll) {
    in_each_world<TestType>([](TestType& world) {
        const std::string path = world.path("file");
        Recorded opening(*world, Open{path.c_str(), O_CREAT | O_RDWR, 0600});
        opening.cancel();
        REQUIRE(ends(*world, opening));
        if (opening.last() == -ECANCELED) {
            CHECK(open_file(*world, path, O_RDONLY) == -ENOENT);
            return;
        }
        const int fd = opening.last();
        REQUIRE(fd >= 0);
        Recorded writing(*world, Write{fd, octets_of("octets"), 0});
        writing.cancel();
        REQUIRE(ends(*world, writing));
        CHECK(read_at(*world, fd, 0, 10) == (writing.last() == 6 ? "octets" : ""));
        world->close(fd);
    });
}

}  // namespace
}  // namespace sluice::tests
