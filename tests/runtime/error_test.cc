#include "sluice/runtime/error.h"

#include "sluice/tests/catch.h"

#include <cerrno>
#include <set>
#include <string_view>

namespace sluice::tests {
namespace {

TEST_CASE("error: an errno becomes what a caller can do about it", "[runtime][error]") {
    struct Row {
        int os_errno;
        Errc code;
        const char* why;
    };
    const Row row = GENERATE(values<Row>({
        {ECANCELED, Errc::cancelled, "we asked for it"},
        {ETIMEDOUT, Errc::timed_out, "TCP gave up"},
        {ETIME, Errc::timed_out, "a linked timeout"},
        {ECONNREFUSED, Errc::refused, "nobody listens"},
        {EHOSTUNREACH, Errc::unreachable, "no route to the host"},
        {ENETUNREACH, Errc::unreachable, "no route to the network"},
        {ECONNRESET, Errc::reset, "the peer's RST"},
        {EPIPE, Errc::reset, "a send after the peer's RST"},
        {ECONNABORTED, Errc::reset, "reset while it queued"},
        {ENOENT, Errc::not_found, "no such name"},
        {EEXIST, Errc::exists, "the name is taken"},
        {EACCES, Errc::denied, "permissions"},
        {ENOSPC, Errc::no_space, "a full disk"},
        {EDQUOT, Errc::no_space, "a full quota"},
        {EIO, Errc::input_output, "a broken disk"},
        {EMFILE, Errc::resources_exhausted, "too many descriptors"},
        {ENOMEM, Errc::resources_exhausted, "no memory"},
        {ENOSYS, Errc::unsupported, "an old kernel"},
        {EINVAL, Errc::invalid, "our own mistake"},
        {EXDEV, Errc::unexpected, "no row of its own"},
    }));
    CAPTURE(row.why);
    const Error error = error_from_errno(row.os_errno, Phase::send, 12);
    CHECK(error.code == row.code);
    CHECK(error.phase == Phase::send);
    CHECK(error.os_errno == row.os_errno);
    CHECK(error.octets_done == 12);
}

TEST_CASE("error: two are equal when a caller would treat them alike", "[runtime][error]") {
    CHECK(error_from_errno(EPIPE, Phase::send) == error_from_errno(ECONNRESET, Phase::receive, 7));
    CHECK(!(Error{Errc::reset} == Error{Errc::refused}));
}

TEST_CASE("error: every code and phase has words of its own", "[runtime][error]") {
    std::set<std::string_view> codes;
    for (int code = 0; code <= static_cast<int>(Errc::unexpected); ++code) {
        codes.insert(describe(static_cast<Errc>(code)));
    }
    CHECK(codes.size() == static_cast<std::size_t>(Errc::unexpected) + 1);
    CHECK(!codes.contains(""));
    std::set<std::string_view> phases;
    for (int phase = 0; phase <= static_cast<int>(Phase::wait); ++phase) {
        phases.insert(describe(static_cast<Phase>(phase)));
    }
    CHECK(phases.size() == static_cast<std::size_t>(Phase::wait) + 1);
}

TEST_CASE("error: its line for a person names the phase, the phrase and the progress",
          "[runtime][error]") {
    const std::string line = describe(error_from_errno(ECONNRESET, Phase::send, 4711));
    CAPTURE(line);
    CHECK(line.find(describe(Phase::send)) != std::string::npos);
    CHECK(line.find(describe(Errc::reset)) != std::string::npos);
    CHECK(line.find("4711") != std::string::npos);
}

}  // namespace
}  // namespace sluice::tests
