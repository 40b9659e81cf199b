#include "sluice/runtime/ring_setup.h"

#include <cerrno>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

struct Row {
    const char* why;
    int error;
    int failures;  // Before it works for a ring as asked for.
    bool smaller_works;
    int expected;
    int pauses;
    unsigned completions;  // Of the last attempt.
};

TEST_CASE(
    "ring setup: memory that comes free late is waited for, and a smaller ring is the last try",
    "[runtime][ring]") {
    const Row row = GENERATE(values<Row>({
        {"at once", -ENOMEM, 0, true, 0, 0, 8192},
        {"a closed ring's memory came back", -ENOMEM, 7, true, 0, 7, 8192},
        {"it never does", -ENOMEM, 1000, true, 0, ring_attempts_max - 1, 1024},
        {"not even for a small one", -ENOMEM, 1000, false, -ENOMEM, ring_attempts_max - 1, 1024},
        {"forbidden: no sense in asking again", -EPERM, 1000, true, -EPERM, 0, 8192},
    }));
    CAPTURE(row.why);
    int failures = 0;
    int pauses = 0;
    std::vector<RingSize> asked;
    const int result = set_up_ring(
        {1024, 8192},
        [&](RingSize size) {
            asked.push_back(size);
            if (size.completions < 8192) {
                return row.smaller_works ? 0 : row.error;
            }
            return failures++ < row.failures ? row.error : 0;
        },
        [&] { ++pauses; });
    CHECK(result == row.expected);
    CHECK(pauses == row.pauses);
    CHECK(asked.back().completions == row.completions);
}

TEST_CASE("ring setup: a ring that was asked to be small is not asked for twice",
          "[runtime][ring]") {
    int attempts = 0;
    const auto attempt = [&](RingSize size) {
        CHECK(size.completions == 64);
        ++attempts;
        return -ENOMEM;
    };
    CHECK(set_up_ring({32, 64}, attempt, [] {}) == -ENOMEM);
    CHECK(attempts == ring_attempts_max);
}

}  // namespace
}  // namespace sluice
