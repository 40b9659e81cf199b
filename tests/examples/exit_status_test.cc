#include "sluice/examples/exit_status.h"

#include "sluice/http/verdict.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/http/sample_outcomes.h"

#include <array>
#include <cstddef>

namespace sluice::examples {
namespace {

using http::Verdict;

int exit_of(const http::Outcome& outcome) {
    return static_cast<int>(exit_status_of(outcome));
}

TEST_CASE("exit status: each client verdict has the one that the manual promises",
          "[examples][outcome]") {
    constexpr std::array expected{
        3,   // C1
        3,   // C2
        3,   // C3
        4,   // C4
        4,   // C5
        4,   // C6
        22,  // C7, its status being 413.
        22,  // C8, its status being 417.
        4,   // C9
        1,   // C10
        5,   // C11
        1,   // C12
        0,   // C13, its status being 200.
        6,   // C14
        7,   // C15
        1,   // C16
        1,   // C17
        3,   // C18, before there was a connection.
        1,   // C19
    };
    for (std::size_t index = 0; index < expected.size(); ++index) {
        const http::tests::Sample& sample = http::tests::samples()[index];
        CAPTURE(sample.id);
        CHECK(exit_of(sample.outcome) == expected.at(index));
    }
}

TEST_CASE("exit status: an answer that is whole and not 2xx is 22", "[examples][outcome]") {
    http::Outcome outcome = http::tests::sample_of(Verdict::complete);
    outcome.status = http::Status::not_found;
    CHECK(exit_of(outcome) == 22);
    outcome.status = http::Status::found;
    CHECK(exit_of(outcome) == 22);
    outcome.status = http::Status::no_content;
    CHECK(exit_of(outcome) == 0);
}

TEST_CASE("exit status: success for a request that was not sent whole is not zero",
          "[examples][outcome]") {
    for (const Verdict verdict : {Verdict::answered_early, Verdict::expectation_rejected}) {
        http::Outcome outcome = http::tests::sample_of(verdict);
        outcome.status = http::Status::ok;
        CHECK(exit_of(outcome) == 1);
    }
}

TEST_CASE("exit status: a message that cannot be sent is not worth repeating",
          "[examples][outcome]") {
    http::Outcome outcome = http::tests::sample_of(Verdict::refused_locally);
    outcome.cause.mechanism = http::Mechanism::protocol;
    outcome.cause.party = http::Party::application;
    CHECK(exit_of(outcome) == 1);
}

}  // namespace
}  // namespace sluice::examples
