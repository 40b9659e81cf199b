#include "sluice/runtime/atomic_file.h"

#include "sluice/tests/support/on_kernel.h"
#include "sluice/tests/support/temporary_directory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Kernel;
using tests::TemporaryDirectory;
using Names = std::set<std::string>;

constexpr std::size_t content_octets = 64 * 1024;

Task<Result<void>> store(AtomicFile& file, std::string_view content) {
    Result<void> result = co_await file.write(std::as_bytes(std::span(content)));
    if (result) {
        result = co_await file.finish();
    }
    co_return result;
}

// Stores `content` in a process that kills itself when it is about to submit operation `last`.
// Yields whether it got there.
bool store_killed(const std::string& path, std::string_view content, std::size_t last) {
    const pid_t child = ::fork();
    if (child == 0) {
        Kernel kernel;
        kernel.backend().before_each = [last](std::size_t number, const Request&) {
            return number == last ? ::raise(SIGKILL) : 0;
        };
        AtomicFile file(path);
        ::_exit(kernel.run(store(file, content)) ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

TEST_CASE("atomic file: after a kill at any operation the name is absent, or names all",
          "[runtime][atomic_file]") {
    const std::string content(content_octets, 'n');
    std::size_t operations = 1;
    while (true) {
        const TemporaryDirectory directory;
        const bool killed = store_killed(directory.path("film"), content, operations);
        INFO("killed at operation " << operations);
        if (!directory.names().empty()) {
            CHECK(directory.names() == Names{"film"});
            CHECK(directory.read("film") == content);
        }
        if (!killed) {
            break;
        }
        ++operations;
    }
    CHECK(operations ==
          7);  // Open, write, sync, open, link, sync; and none was killed at a seventh.
}

TEST_CASE("atomic file: after a kill while replacing, the name names all of the old or the new",
          "[runtime][atomic_file]") {
    const std::string content(content_octets, 'n');
    int hidden = 0;
    for (std::size_t last = 1;; ++last) {
        const TemporaryDirectory directory;
        directory.write("film", "old");
        const bool killed = store_killed(directory.path("film"), content, last);
        INFO("killed at operation " << last);
        Names names = directory.names();
        CHECK(names.erase("film") == 1);
        CHECK((directory.read("film") == "old" || directory.read("film") == content));
        for (const std::string& name : names) {
            CHECK(name.starts_with(AtomicFile::hidden_prefix));
            CHECK(directory.read(name) == content);
            ++hidden;
        }
        if (!killed) {
            CHECK(directory.read("film") == content);
            break;
        }
    }
    CHECK(hidden == 1);  // Between the link and the rename, as documented; never otherwise.
}

TEST_CASE("atomic file: who reads while it is replaced sees all of one version",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    directory.write("film", std::string(content_octets, 'a'));
    std::atomic<bool> done = false;
    std::atomic<int> torn = 0;
    std::atomic<int> reads = 0;
    std::thread reader([&] {
        while (!done || reads == 0) {
            const std::string seen = directory.read("film");
            const bool whole = seen.size() == content_octets &&
                               seen.find_first_not_of(seen.front()) == std::string::npos;
            torn += whole ? 0 : 1;
            ++reads;
        }
    });
    bool all_stored = true;
    {
        Kernel kernel;
        for (int version = 1; version <= 50; ++version) {
            const std::string content(content_octets, static_cast<char>('a' + version % 26));
            AtomicFile file(directory.path("film"));
            const Result<void> stored = kernel.run(store(file, content));
            all_stored = all_stored && stored.has_value();
        }
    }
    done = true;
    reader.join();
    CHECK(all_stored);
    CHECK(torn == 0);
    CHECK(directory.names() == Names{"film"});
}

}  // namespace
}  // namespace sluice
