#include "sluice/runtime/file.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/epoll_backend.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/runtime/workers.h"
#include "sluice/tests/support/on_kernel.h"
#include "sluice/tests/support/temporary_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <semaphore>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Kernel;
using tests::TemporaryDirectory;

std::span<const std::byte> octets_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

TEST_CASE("file: what was written at an offset is read there", "[runtime][file]") {
    const TemporaryDirectory directory;
    Kernel kernel;
    Result<File> file = kernel.run(File::create(directory.path("film")));
    REQUIRE(file);
    CHECK(kernel.run(file->write_at(octets_of("world"), 6)));
    CHECK(kernel.run(file->write_at(octets_of("hello "), 0)));
    CHECK(kernel.run(file->sync()));

    std::string text(5, ' ');
    CHECK(kernel.run(file->read_at(std::as_writable_bytes(std::span(text)), 3)) == 5U);
    CHECK(text == "lo wo");
    CHECK(kernel.run(file->size()) == 11U);
    const Result<FileStatus> status = kernel.run(file->status());
    REQUIRE(status);
    CHECK(status->is_regular);
    CHECK_FALSE(status->is_directory);
    CHECK(status->inode != 0);
    CHECK(status->modified_seconds > 0);
}

TEST_CASE("file: a read beyond the end yields what there is", "[runtime][file]") {
    const TemporaryDirectory directory;
    directory.write("film", "hello");
    Kernel kernel;
    const Result<File> file = kernel.run(File::open_to_read(directory.path("film")));
    REQUIRE(file);
    std::string text(10, ' ');
    const auto into = std::as_writable_bytes(std::span(text));
    CHECK(kernel.run(file->read_at(into, 2)) == 3U);
    CHECK(text.substr(0, 3) == "llo");
    CHECK(kernel.run(file->read_at(into, 5)) == 0U);
}

TEST_CASE("file: each way to open one answers to what is there already", "[runtime][file]") {
    const TemporaryDirectory directory;
    directory.write("film", "old");
    Kernel kernel;
    CHECK(kernel.run(File::open_to_read(directory.path("none"))).error() ==
          Error{Errc::not_found, Phase::open});
    CHECK(kernel.run(File::open_to_update(directory.path("none"))).error() ==
          Error{Errc::not_found, Phase::open});
    CHECK(kernel.run(File::create_new(directory.path("film"))).error() ==
          Error{Errc::exists, Phase::open});
    CHECK(kernel.run(File::open_to_update(directory.path("film"))));
    CHECK(directory.read("film") == "old");
    CHECK(kernel.run(File::create(directory.path("film"))));
    CHECK(directory.read("film") == "");
}

Task<> take_turns() {
    co_await yield();
    co_await yield();
}

// How many descriptors of the file at `path` are open.
std::ptrdiff_t open_descriptors(const std::string& path) {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::count_if(begin(all), end(all), [&](const std::filesystem::directory_entry& entry) {
        std::error_code is_gone;
        return std::filesystem::read_symlink(entry, is_gone) == path;
    });
}

TEST_CASE("file: its descriptor is closed once, by close(), move or destruction",
          "[runtime][file]") {
    const TemporaryDirectory directory;
    directory.write("film", "old");
    Kernel kernel;
    const std::string path = directory.path("film");
    {
        Result<File> first = kernel.run(File::open_to_read(directory.path("film")));
        Result<File> second = kernel.run(File::open_to_read(directory.path("film")));
        File moved = std::move(*first);
        moved = std::move(*second);
        CHECK(moved.is_open());
        CHECK_FALSE(second->is_open());
        moved.close();
        moved.close();
        CHECK_FALSE(moved.is_open());
        const Result<File> third = kernel.run(File::open_to_read(directory.path("film")));
    }
    while (open_descriptors(path) > 0) {
        kernel.run(take_turns());  // The kernel closes when it comes to it.
    }
}

// Keeps a worker busy until it is let go.
class Blocking final : public Workers::Job {
public:
    void let_go() noexcept { may_end_.release(); }
    void wait() noexcept { ended_.acquire(); }

private:
    void run() noexcept override {
        may_end_.acquire();
        ended_.release();
    }

    std::binary_semaphore may_end_{0};
    std::binary_semaphore ended_{0};
};

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

Task<> destroy_while_workers_are_busy(std::string path) {
    Result<File> file = co_await File::open_to_read(std::move(path));
    REQUIRE(file);
    std::array<Blocking, Workers::threads_max_default> blocking;
    for (Blocking& job : blocking) {
        Workers::shared().run(job);
    }
    const int fd = file->descriptor();
    file = failure(Errc::closed, Phase::none);
    co_await take_turns();
    CHECK(is_open(fd));  // It is in line, and nothing has waited for it.

    blocking.front().let_go();
    const auto nothing = [] {};
    co_await offload(nothing);  // Behind it, on the only worker that is free.
    CHECK_FALSE(is_open(fd));
    for (Blocking& job : blocking) {
        if (&job != &blocking.front()) {
            job.let_go();
        }
        job.wait();
    }
}

TEST_CASE("file: one that is destroyed open is closed by a worker, and keeps no loop waiting",
          "[runtime][file][close]") {
    const TemporaryDirectory directory;
    directory.write("film", "old");
    const std::unique_ptr<EpollBackend> epoll = EpollBackend::create().value();
    Loop loop(*epoll);
    block_on(loop, destroy_while_workers_are_busy(directory.path("film")));
}

// Whether it is on a device of this host's, and not served by another process or host.
bool is_on_device(int fd) {
    struct stat told{};
    return ::fstat(fd, &told) == 0 && major(told.st_dev) != 0;
}

// What was just written is in the kernel's memory.
Task<> read_while_workers_are_busy(std::string path) {
    std::array<Blocking, Workers::threads_max_default> blocking;
    for (Blocking& job : blocking) {
        Workers::shared().run(job);
    }
    Result<File> file = co_await File::open_to_read(std::move(path));
    const Result<FileStatus> status = co_await file->status();
    std::array<std::byte, 3> octets{};
    const Result<std::size_t> read = co_await file->read_at(octets, 0);
    const int fd = file->descriptor();
    const bool closes_at_once = is_on_device(fd);
    file->close();
    const bool is_closed = !is_open(fd);
    for (Blocking& job : blocking) {
        job.let_go();
        job.wait();
    }
    CHECK(status->octets == 3);
    CHECK(read == 3);
    CHECK(octets[2] == std::byte{'d'});
    CHECK(is_closed == closes_at_once);
}

TEST_CASE("file: what the kernel has in its memory is opened, asked about, read and closed at once",
          "[runtime][file]") {
    const TemporaryDirectory directory;
    directory.write("film", "old");
    const std::unique_ptr<EpollBackend> epoll = EpollBackend::create().value();
    Loop loop(*epoll);
    block_on(loop, read_while_workers_are_busy(directory.path("film")));
}

TEST_CASE("file: a full disk is told, with the octets that found room", "[runtime][file]") {
    const TemporaryDirectory directory;
    Kernel kernel;
    Result<File> file = kernel.run(File::create(directory.path("film")));
    REQUIRE(file);
    // Writes are short, as on a disk with little room; the fourth finds none.
    const std::size_t before = kernel.backend().submitted();
    kernel.backend().before_each = [before](std::size_t number, const Request& request) {
        if (const auto* const write = std::get_if<Write>(&request)) {
            const_cast<Write*>(write)->from = write->from.first(3);
        }
        return number == before + 4 ? -ENOSPC : 0;
    };
    const Result<void> written = kernel.run(file->write_at(octets_of("abcdefghijkl"), 0));
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Errc::no_space);
    CHECK(written.error().phase == Phase::write);
    CHECK(written.error().octets_done == 9);
    CHECK(directory.read("film") == "abcdefghi");
}

TEST_CASE("file: the kernel's own full disk is no_space", "[runtime][file]") {
    Kernel kernel;
    Result<File> full = kernel.run(File::open_to_update("/dev/full"));
    REQUIRE(full);
    CHECK(kernel.run(full->write_at(octets_of("a"), 0)) == failure(Errc::no_space, Phase::write));
}

TEST_CASE("file source: a file is yielded whole, whatever the size of the buffer",
          "[runtime][file]") {
    const TemporaryDirectory directory;
    const std::string text = "the quick brown fox";
    directory.write("film", text);
    Kernel kernel;
    const Result<File> file = kernel.run(File::open_to_read(directory.path("film")));
    REQUIRE(file);
    for (std::size_t buffer = 1; buffer <= text.size() + 1; ++buffer) {
        FileSource source(*file, {}, buffer);
        MemorySink sink(100);
        CHECK(kernel.run(forward(source, sink)) == text.size());
        CHECK(sink.text() == text);
    }
}

TEST_CASE("file source: a range is yielded exactly", "[runtime][file]") {
    const TemporaryDirectory directory;
    directory.write("film", "the quick brown fox");
    Kernel kernel;
    const Result<File> file = kernel.run(File::open_to_read(directory.path("film")));
    REQUIRE(file);
    struct Row {
        FileRange range;
        std::string_view text;
        const char* why;
    };
    const Row rows[] = {
        {{4, 5}, "quick", "inside"},
        {{0, 0}, "", "nothing"},
        {{16, FileRange::to_the_end}, "fox", "to the end"},
        {{16, 3}, "fox", "up to the last octet"},
        {{100, FileRange::to_the_end}, "", "beyond the end"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        FileSource source(*file, row.range, 2);
        MemorySink sink(100);
        CHECK(kernel.run(forward(source, sink)) == row.text.size());
        CHECK(sink.text() == row.text);
    }
}

TEST_CASE("file source: a file that ends before the range does is an error, not an end",
          "[runtime][file]") {
    const TemporaryDirectory directory;
    directory.write("film", "the quick");
    Kernel kernel;
    const Result<File> file = kernel.run(File::open_to_read(directory.path("film")));
    REQUIRE(file);
    FileSource source(*file, {4, 6});
    MemorySink sink(100);
    const Result<std::uint64_t> octets = kernel.run(forward(source, sink));
    REQUIRE_FALSE(octets);
    CHECK(octets.error().code == Errc::end_of_stream);
    CHECK(octets.error().octets_done == 5);
    CHECK(sink.is_aborted());
}

TEST_CASE("file sink: a copied file is equal, at its offset", "[runtime][file]") {
    const TemporaryDirectory directory;
    std::string text(300'000, ' ');
    std::ranges::generate(text, [n = 0]() mutable { return static_cast<char>('a' + n++ % 23); });
    directory.write("from", text);
    Kernel kernel;
    const Result<File> from = kernel.run(File::open_to_read(directory.path("from")));
    Result<File> to = kernel.run(File::create(directory.path("to")));
    REQUIRE(from);
    REQUIRE(to);
    FileSink sink(*to, 2);
    CHECK(kernel.run(forward(*from, sink)) == text.size());
    CHECK(directory.read("to") == std::string(2, '\0') + text);
    CHECK(kernel.run(sink.finish()) == failure(Errc::closed, Phase::sync));
}

}  // namespace
}  // namespace sluice
