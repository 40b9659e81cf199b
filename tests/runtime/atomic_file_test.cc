#include "sluice/runtime/atomic_file.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/tests/support/on_kernel.h"
#include "sluice/tests/support/temporary_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Kernel;
using tests::on_kernel;
using tests::TemporaryDirectory;
using Names = std::set<std::string>;

std::span<const std::byte> octets_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// Writes `content` in two halves and finishes.
Task<Result<void>> store(AtomicFile& file, std::string_view content) {
    Result<void> result = co_await file.write(octets_of(content.substr(0, content.size() / 2)));
    if (result) {
        result = co_await file.write(octets_of(content.substr(content.size() / 2)));
    }
    if (result) {
        result = co_await file.finish();
    }
    co_return result;
}

Task<Result<void>> write_only(AtomicFile& file, std::string_view content) {
    const Result<void> result = co_await file.write(octets_of(content));
    co_return result;
}

TEST_CASE("atomic file: it has its name once finish() has ended, and not before",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    Kernel kernel;
    AtomicFile file(directory.path("film"));

    REQUIRE(kernel.run(write_only(file, "ab")));
    CHECK(directory.names() == Names{});
    CHECK_FALSE(file.is_visible());

    REQUIRE(kernel.run(store(file, "cd")));
    CHECK(directory.names() == Names{"film"});
    CHECK(directory.read("film") == "abcd");
    CHECK(file.is_visible());
    CHECK(file.octets() == 4);

    struct stat status{};
    REQUIRE(::stat(directory.path("film").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0644);
}

TEST_CASE("atomic file: one without octets is an empty file", "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    Kernel kernel;
    AtomicFile file(directory.path("film"));
    REQUIRE(kernel.run(file.finish()));
    CHECK(directory.names() == Names{"film"});
    CHECK(directory.read("film") == "");
}

TEST_CASE("atomic file: an existing file is replaced, and no other name is left",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    directory.write("film", "old and longer");
    AtomicFile file(directory.path("film"));
    REQUIRE(on_kernel(store(file, "new")));
    CHECK(directory.names() == Names{"film"});
    CHECK(directory.read("film") == "new");
}

TEST_CASE("atomic file: nothing is left when it is aborted or destroyed",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    directory.write("film", "old");
    const bool by_abort = GENERATE(true, false);
    Kernel kernel;
    auto file = std::make_unique<AtomicFile>(directory.path("film"));
    REQUIRE(kernel.run(write_only(*file, "new")));

    if (by_abort) {
        file->abort();
        CHECK(kernel.run(write_only(*file, "more")) == failure(Errc::closed, Phase::open));
        CHECK(kernel.run(file->finish()) == failure(Errc::closed, Phase::open));
    }
    file.reset();

    CHECK(directory.names() == Names{"film"});
    CHECK(directory.read("film") == "old");
}

TEST_CASE("atomic file: in a directory that is not there, the first write says so",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    AtomicFile file(directory.path("nowhere/film"));
    const Result<void> result = on_kernel(write_only(file, "new"));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::not_found);
    CHECK(result.error().phase == Phase::open);
}

TEST_CASE("atomic file: a name without a directory is one in the current directory",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(directory.path("."));
    Kernel kernel;
    std::set<std::string> opened;
    kernel.backend().before_each = [&opened](std::size_t, const Request& request) {
        if (const auto* const open = std::get_if<Open>(&request)) {
            opened.insert(open->path);
        }
        return 0;
    };
    AtomicFile file("film");
    const Result<void> result = kernel.run(store(file, "new"));
    std::filesystem::current_path(before);
    CHECK(result);
    CHECK(opened == Names{"."});
    CHECK(directory.read("film") == "new");
}

TEST_CASE("atomic file: a file system without unnamed files is told as unsupported",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    const int os_errno = GENERATE(EOPNOTSUPP, EISDIR);
    Kernel kernel;
    kernel.backend().before_each = [&](std::size_t, const Request&) { return -os_errno; };
    AtomicFile file(directory.path("film"));
    CHECK(kernel.run(write_only(file, "new")) == failure(Errc::unsupported, Phase::open));
}

// What an operation does, as the phase of the error that its failure becomes.
Phase phase_of(const Request& request) {
    if (std::holds_alternative<Open>(request)) {
        return Phase::open;
    }
    if (std::holds_alternative<Write>(request)) {
        return Phase::write;
    }
    if (std::holds_alternative<Sync>(request)) {
        return Phase::sync;
    }
    return std::holds_alternative<ReadStatus>(request) ? Phase::read : Phase::rename;
}

TEST_CASE("atomic file: whichever operation fails, it is told, and the old file stays whole",
          "[runtime][atomic_file]") {
    const int os_errno = GENERATE(ENOSPC, EIO);
    const bool replaces = GENERATE(true, false);
    for (std::size_t failing = 1;; ++failing) {
        const TemporaryDirectory directory;
        if (replaces) {
            directory.write("film", "old");
        }
        Phase phase = Phase::none;
        Kernel kernel;
        kernel.backend().before_each = [&](std::size_t number, const Request& request) {
            phase = number == failing ? phase_of(request) : phase;
            return number == failing ? -os_errno : 0;
        };
        AtomicFile file(directory.path("film"));
        const Result<void> result = kernel.run(store(file, "the new one"));
        INFO("operation " << failing << ", replaces " << replaces);
        if (phase == Phase::none) {
            CHECK(result);
            CHECK(failing == (replaces ? 11 : 8));  // The one after the last.
            break;
        }
        REQUIRE_FALSE(result);
        CHECK(result.error().os_errno == os_errno);
        CHECK(result.error().phase == phase);
        CHECK(file.octets() <= 11);
        if (file.is_visible()) {
            CHECK(failing == (replaces ? 10 : 7));  // The sync of the directory, and no other.
            CHECK(directory.read("film") == "the new one");
        } else {
            CHECK(directory.names() == (replaces ? Names{"film"} : Names{}));
            CHECK(directory.read("film") == (replaces ? "old" : ""));
        }
    }
}

TEST_CASE("atomic file: after a failed write it cannot be finished", "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    Kernel kernel;
    kernel.backend().before_each = [](std::size_t number, const Request&) {
        return number == 2 ? -ENOSPC : 0;
    };
    AtomicFile file(directory.path("film"));
    CHECK(kernel.run(write_only(file, "new")) == failure(Errc::no_space, Phase::write));
    CHECK(kernel.run(file.finish()) == failure(Errc::closed, Phase::open));
    CHECK(directory.names() == Names{});
}

// Runs finish() as a task of its own that is asked to stop before it, and perhaps during it.
Task<Result<void>> finish_stopped(AtomicFile& file, StopSource& stop) {
    Under<Result<void>> finishing(&stop, file.finish());
    const Result<void> finished = co_await finishing;
    co_return finished;
}

TEST_CASE("atomic file: a stop that came before finish() leaves nothing",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    Kernel kernel;
    AtomicFile file(directory.path("film"));
    REQUIRE(kernel.run(write_only(file, "new")));
    StopSource stop;
    stop.request();
    CHECK(kernel.run(finish_stopped(file, stop)) == failure(Errc::cancelled, Phase::sync));
    CHECK(directory.names() == Names{});
}

TEST_CASE("atomic file: finish() that has begun runs to its end, whenever the stop comes",
          "[runtime][atomic_file]") {
    for (std::size_t at = 1; at <= 8; ++at) {
        const TemporaryDirectory directory;
        directory.write("film", "old");
        Kernel kernel;
        AtomicFile file(directory.path("film"));
        REQUIRE(kernel.run(write_only(file, "new")));
        StopSource stop;
        const std::size_t before = kernel.backend().submitted();
        kernel.backend().before_each = [&](std::size_t number, const Request&) {
            if (number == before + at) {
                stop.request();
            }
            return 0;
        };
        INFO("stopped at operation " << at);
        CHECK(kernel.run(finish_stopped(file, stop)));
        CHECK(directory.read("film") == "new");
        CHECK(directory.names() == Names{"film"});
    }
}

TEST_CASE("atomic file: what is attached before the commit comes with the name",
          "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    AtomicFile file(directory.path("film"));
    file.before_commit([](File& unnamed) { return unnamed.set_attribute("user.digest", "5f"); });
    REQUIRE(on_kernel(store(file, "new")));

    Kernel kernel;
    const Result<File> stored = kernel.run(File::open_to_read(directory.path("film")));
    REQUIRE(stored);
    CHECK(stored->attribute("user.digest").value() == "5f");
    CHECK(stored->attribute("user.other") == failure(Errc::not_found, Phase::read));
}

TEST_CASE("atomic file: what cannot be attached is not committed", "[runtime][atomic_file]") {
    const TemporaryDirectory directory;
    AtomicFile file(directory.path("film"));
    file.before_commit([](File&) -> Result<void> { return failure(Errc::invalid, Phase::write); });
    CHECK(on_kernel(store(file, "new")) == failure(Errc::invalid, Phase::write));
    CHECK(directory.names() == Names{});
}

}  // namespace
}  // namespace sluice
