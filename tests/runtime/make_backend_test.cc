// Which backend a program gets, also where io_uring is forbidden, as container engines forbid it.

#include "sluice/runtime/make_backend.h"

#include "sluice/tests/support/without_io_uring.h"

#include <cerrno>
#include <cstdlib>
#include <string>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

std::string name_of(BackendKind kind) {
    const Result<OwnedBackend> made = make_backend(kind);
    return made ? std::string((*made)->name()) : describe(made.error());
}

TEST_CASE("make_backend: io_uring, or what was asked for", "[runtime]") {
    CHECK(name_of(BackendKind::automatic) == "io_uring");
    CHECK(name_of(BackendKind::io_uring) == "io_uring");
    CHECK(name_of(BackendKind::epoll) == "epoll");
}

TEST_CASE("make_backend: epoll where io_uring is forbidden or absent, but not against a wish",
          "[runtime]") {
    for (const int error : {EPERM, ENOSYS}) {
        CAPTURE(error);
        std::string automatic;
        int wished = 0;
        without_io_uring(error, [&] {
            automatic = name_of(BackendKind::automatic);
            const Result<OwnedBackend> made = make_backend(BackendKind::io_uring);
            wished = made ? 0 : made.error().os_errno;
        });
        CHECK(automatic == "epoll");
        CHECK(wished == error);
    }
}

TEST_CASE("make_backend: kinds are read by their names", "[runtime]") {
    CHECK(parse_backend_kind("auto") == BackendKind::automatic);
    CHECK(parse_backend_kind("io_uring") == BackendKind::io_uring);
    CHECK(parse_backend_kind("epoll") == BackendKind::epoll);
    CHECK(parse_backend_kind("kqueue").error().code == Errc::invalid);
}

TEST_CASE("make_backend: SLUICE_BACKEND decides for who does not", "[runtime]") {
    setenv("SLUICE_BACKEND", "epoll", 1);
    CHECK(name_of(BackendKind::automatic) == "epoll");
    CHECK(name_of(BackendKind::io_uring) == "io_uring");
    setenv("SLUICE_BACKEND", "kqueue", 1);
    const Result<OwnedBackend> made = make_backend(BackendKind::automatic);
    REQUIRE(!made);
    CHECK(made.error().code == Errc::invalid);
    CHECK(describe_backend_failure(BackendKind::automatic, made.error()).find("kqueue") !=
          std::string::npos);
    unsetenv("SLUICE_BACKEND");
}

}  // namespace
}  // namespace sluice::tests
