#include "sluice/tests/catch.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sluice::tests {
namespace {

struct Ended {
    int status;
    std::string said;
};

Ended run(const std::string& names, const std::string& limit_ms) {
    const std::string command = "SLUICE_TEST_LIMIT_MS=" + limit_ms +
                                " tests/runtime/sluice_test_program " + names + " 2>&1";
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Ended ended{};
    std::array<char, 4096> piece{};
    for (std::size_t count = 0; (count = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) {
        ended.said.append(piece.data(), count);
    }
    ended.status = WEXITSTATUS(::pclose(pipe));
    return ended;
}

bool contains(const std::string& text, std::string_view wanted) {
    UNSCOPED_INFO(text);
    return text.find(wanted) != std::string::npos;
}

TEST_CASE("SLUICE_TEST: what a test yields is the exit status, and an exception is told",
          "[runtime][test]") {
    const Ended passed = run("passes", "60000");
    CHECK(passed.status == 0);
    CHECK(passed.said == "passes: passed\n");
    const Ended seven = run("passes yields_seven throws fails", "60000");
    CHECK(seven.status == 7);  // The first that failed.
    CHECK(contains(seven.said, "yields_seven: failed with 7\n"));
    CHECK(contains(seven.said, "throws: failed: what the exception says\n"));
    CHECK(contains(seven.said, "fails: failed: send: "));
    CHECK(run("throws", "60000").status == 1);
    CHECK(run("no_such_test", "60000").status == 1);
}

TEST_CASE("SLUICE_TEST: one that never completes fails at its limit, with a dump of its tasks",
          "[runtime][test]") {
    const Ended forgotten = run("never_completes", "20");
    CHECK(forgotten.status == 1);
    CHECK(contains(forgotten.said, "never_completes: not complete in time\n"));
    CHECK(contains(forgotten.said, "sluice::tests::forgotten_task"));
    CHECK(contains(forgotten.said, "awaits an event"));
}

TEST_CASE("SLUICE_TEST: one that blocks its loop fails at its limit, and is told where it is",
          "[runtime][test]") {
    const Ended blocked = run("blocks_for_ever", "20");
    CHECK(blocked.status == 1);
    CHECK(contains(blocked.said, "does not answer, and is in:\n"));
    CHECK(contains(blocked.said, "sluice_test_blocks_for_ever"));
}

}  // namespace
}  // namespace sluice::tests
