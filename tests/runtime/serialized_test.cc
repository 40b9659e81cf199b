#include "sluice/runtime/serialized.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/death.h"

#include <chrono>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using simulation::run;
using simulation::World;

// Leaves the value in disorder for a while.
Task<bool> append_with_care(std::string& text, char letter) {
    text += '<';
    const bool undisturbed = co_await sleep_for(10ms);
    text += letter;
    text += '>';
    co_return undisturbed;
}

Task<> append_at_once(std::string& text, char letter) {
    text += letter;
    co_return;
}

Task<std::string> look(std::string& text) {
    co_return text;
}

Task<> submit_and_stop(World& world) {
    Serialized<std::string> text;
    const Context context{&world.loop, nullptr};
    Running first(context, text.modify(append_with_care, 'a'));
    Running second(context, text.modify(append_with_care, 'b'));
    Running third(context, text.modify(append_with_care, 'c'));
    co_await sleep_for(1ms);
    first.request_stop();   // It runs.
    second.request_stop();  // It waits for its turn.
    co_await text.modify(append_at_once, 'd');
    const std::string seen = co_await text.modify(look);
    CHECK(seen == "<a><b><c>d");
    co_await first.join();
    co_await second.join();
    co_await third.join();
    CHECK(first.take());
    CHECK(second.take());
    CHECK(third.take());
}

TEST_CASE("serialized: what was submitted completes in its turn, also when the caller is stopped",
          "[runtime][serialized]") {
    run({}, submit_and_stop);
}

Task<int> modify_again(std::string&, Serialized<std::string>& text) {
    co_await text.modify(append_at_once, 'x');
    co_return 1;
}

Task<int> modify_again_beside(std::string& inside, Serialized<std::string>& text) {
    Task<std::tuple<int, bool>> both = when_all(modify_again(inside, text), sleep_for(1ms));
    co_await both;
    co_return 1;
}

template <typename Modify>
Task<> wait_for_itself(Modify modify) {
    Serialized<std::string> text;
    co_await text.modify(modify, std::ref(text));
}

TEST_CASE("serialized: a modification that would wait for itself is diagnosed, not waited for",
          "[runtime][serialized]") {
    const auto said_of = [](auto modify) {
        return death_of([=] { run({}, [=](World&) { return wait_for_itself(modify); }); });
    };
    for (const auto& said : {said_of(modify_again), said_of(modify_again_beside)}) {
        REQUIRE(said.has_value());
        CHECK(said->find("would wait for itself") != std::string::npos);
    }
}

Task<int> modify_another(std::string& text, Serialized<std::string>& another) {
    text += '1';
    co_await another.modify(append_at_once, '2');
    co_return 1;
}

Task<> nest_two(World&) {
    Serialized<std::string> outer;
    Serialized<std::string> inner;
    co_await outer.modify(modify_another, std::ref(inner));
    co_await outer.modify(modify_another, std::ref(inner));
    const std::string seen = co_await inner.modify(look);
    CHECK(seen == "22");
}

TEST_CASE("serialized: a modification may modify another value", "[runtime][serialized]") {
    run({}, nest_two);
}

}  // namespace
}  // namespace sluice::tests
