#include "sluice/http/outbox.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/transport.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Takes what it is sent, after a while, or as much of it as there is left to take.
class Pipe final : public Transport {
public:
    std::string taken;
    std::vector<std::size_t> sends;  // The octets of each.
    Duration pause = milliseconds(1);
    std::optional<std::uint64_t> left;  // Then it is reset.
    std::uint64_t acknowledged_octets = 0;

    [[nodiscard]] std::optional<sluice::Result<Received>> try_receive() noexcept override {
        return std::nullopt;
    }
    Task<sluice::Result<std::uint64_t>> send(std::span<iovec> parts) override {
        CHECK_FALSE(std::exchange(sending_, true));
        const bool passed = co_await sleep_for(pause);
        sending_ = false;
        if (!passed) {
            co_return failure(sluice::Errc::cancelled, sluice::Phase::send);
        }
        std::string octets;
        for (const iovec& part : parts) {
            octets.append(static_cast<const char*>(part.iov_base), part.iov_len);
        }
        const std::uint64_t all = octets.size();
        octets.resize(std::min(all, left.value_or(all)));
        taken.append(octets);
        sends.push_back(octets.size());
        if (left) {
            *left -= octets.size();
        }
        if (octets.size() < all) {
            co_return failure(sluice::Errc::reset, sluice::Phase::send, octets.size());
        }
        co_return all;
    }
    Task<sluice::Result<void>> shut_down_sending() override { co_return sluice::Result<void>(); }
    Task<sluice::Result<void>> acknowledged() override { co_return sluice::Result<void>(); }
    Task<> close(Ending) override { co_return; }
    [[nodiscard]] PeerEnd peer_end() const noexcept override { return PeerEnd::none; }
    void listen_for_peer_end(PeerEndListener*) noexcept override {}
    [[nodiscard]] SocketState state() noexcept override {
        return {.acknowledged = acknowledged_octets};
    }
    [[nodiscard]] const Endpoint& local() const noexcept override { return endpoint_; }
    [[nodiscard]] const Endpoint& peer() const noexcept override { return endpoint_; }

private:
    bool sending_ = false;
    Endpoint endpoint_;
};

class Listener final : public OutboxListener {
public:
    std::vector<const Outcome*> accepted;
    int failures = 0;

    void message_accepted(Outcome& outcome) noexcept override { accepted.push_back(&outcome); }
    void sending_failed(const sluice::Error&) noexcept override { ++failures; }
};

// An outbox, what is behind it, and two messages to send.
struct Fixture {
    Fixture(Loop& on, const Context& context)
        : loop(on), scope(context), outbox(loop, scope, blocks, pipe, listener, seconds(20)) {}

    Loop& loop;
    Pipe pipe;
    Listener listener;
    BlockPool blocks;
    Scope scope;
    Outbox outbox;
    Outcome first;
    Outcome second;
};

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// Runs `check` on a fixture in a simulated world.
Task<> with_fixture(Loop& loop, Task<> (*check)(Fixture&)) {
    const Context context = co_await this_task();
    Fixture fixture(loop, context);
    co_await check(fixture);
    fixture.scope.request_stop();
    co_await fixture.scope.join();
}

void run(Task<> (*check)(Fixture&)) {
    simulation::run(
        {}, [check](const simulation::World& world) { return with_fixture(world.loop, check); });
}

void append_message(Outbox& outbox, Outcome& outcome, std::string_view head,
                    std::string_view content) {
    outbox.append(outcome, OctetKind::head, head);
    outbox.append(outcome, OctetKind::content, content);
    outbox.end_message(outcome);
}

Task<> check_together(Fixture& fixture) {
    Outbox& outbox = fixture.outbox;
    append_message(outbox, fixture.first, "head1", "content1");
    outbox.flush_soon();
    append_message(outbox, fixture.second, "head2", "content2");
    outbox.flush_soon();
    CHECK(fixture.listener.accepted.empty());
    CHECK_FALSE(outbox.empty());
    const sluice::Result<void> drained = co_await outbox.drained();
    CHECK(drained);
    CHECK(fixture.pipe.taken == "head1content1head2content2");
    CHECK(fixture.pipe.sends.size() == 1);
    CHECK(fixture.listener.accepted ==
          std::vector<const Outcome*>{&fixture.first, &fixture.second});
    CHECK(outbox.empty());
}

TEST_CASE("outbox: what is appended in one go leaves in one send", "[http][outbox]") {
    run(check_together);
}

Task<> check_books(Fixture& fixture) {
    Outbox& outbox = fixture.outbox;
    outbox.append(fixture.first, OctetKind::interim, "interim");
    append_message(outbox, fixture.first, "head", "content");
    outbox.append(fixture.second, OctetKind::head, "HEAD");
    outbox.append(fixture.second, OctetKind::framing, "5\r\n");
    outbox.append(fixture.second, OctetKind::content, "hello");
    outbox.append(fixture.second, OctetKind::framing, "\r\n0\r\n\r\n");
    outbox.end_message(fixture.second);
    CHECK(fixture.first.send.wire_accepted() == 0);
    const sluice::Result<void> drained = co_await outbox.drained();
    CHECK(drained);
    CHECK(fixture.first.send.head == 11);
    CHECK(fixture.first.send.body_accepted == 7);
    CHECK(fixture.first.send.framing_octets == 0);
    CHECK(fixture.first.send.phase == SendPhase::all_accepted);
    CHECK(fixture.second.send.head == 4);
    CHECK(fixture.second.send.body_accepted == 5);
    CHECK(fixture.second.send.framing_octets == 10);
    CHECK(fixture.second.send.wire_accepted() == 19);
}

TEST_CASE("outbox: each octet is booked to its message and kind, once accepted",
          "[http][outbox][outcome]") {
    run(check_books);
}

// The message "head" + "content" + "HEAD", of which `octets` are accepted.
Task<> check_cut(Loop& loop, std::uint64_t octets) {
    const Context context = co_await this_task();
    Fixture fixture(loop, context);
    fixture.pipe.left = octets;
    append_message(fixture.outbox, fixture.first, "head", "content");
    fixture.outbox.append(fixture.second, OctetKind::head, "HEAD");
    const sluice::Result<void> drained = co_await fixture.outbox.drained();
    co_await fixture.scope.join();
    CHECK(drained.has_value() == (octets >= 15));
    const SendFacts& first = fixture.first.send;
    CHECK(first.head == std::min<std::uint64_t>(octets, 4));
    CHECK(first.body_accepted == std::clamp<std::uint64_t>(octets, 4, 11) - 4);
    CHECK(fixture.second.send.head == std::clamp<std::uint64_t>(octets, 11, 15) - 11);
    const auto phase = octets == 0   ? SendPhase::unassigned
                       : octets < 4  ? SendPhase::head_partial
                       : octets < 5  ? SendPhase::head_sent
                       : octets < 11 ? SendPhase::body_partial
                                     : SendPhase::all_accepted;
    CHECK(first.phase == phase);
    CHECK(fixture.listener.accepted.size() == (octets >= 11 ? 1 : 0));
    CHECK(fixture.listener.failures == (octets < 15 ? 1 : 0));
    if (octets < 15) {
        CHECK(fixture.outbox.error()->code == sluice::Errc::reset);
        const std::span<const std::byte> nothing;
        const sluice::Result<void> written = co_await fixture.outbox.write(fixture.second, nothing);
        CHECK_FALSE(written);  // The first failure is final.
    }
}

TEST_CASE("outbox: a send that breaks off at any octet is booked to that octet",
          "[http][outbox][outcome]") {
    for (std::uint64_t octets = 0; octets <= 15; ++octets) {
        CAPTURE(octets);
        simulation::run(
            {}, [octets](const simulation::World& world) { return check_cut(world.loop, octets); });
    }
}

Task<> nothing() {
    co_return;
}

// Awaits so many tasks that one of the next has to begin through the loop's queue.
Task<> check_late_write(Loop& loop, int tasks) {
    const Context context = co_await this_task();
    Fixture fixture(loop, context);
    co_await yield();
    for (int count = 0; count < tasks; ++count) {
        co_await nothing();
    }
    fixture.outbox.append(fixture.first, OctetKind::head, "head");
    fixture.outbox.flush_soon();
    const std::string large(10'000, 'x');
    const sluice::Result<void> written = co_await fixture.outbox.write(fixture.first, bytes(large));
    CHECK(written);
    fixture.outbox.end_message(fixture.first);
    co_await fixture.scope.join();
    CHECK(fixture.pipe.taken == "head" + large);
}

// Found by the simulation campaign.
TEST_CASE("outbox: a flush that runs before a write has begun does not send beside it",
          "[http][outbox]") {
    for (int tasks = 0; tasks < 300; ++tasks) {
        CAPTURE(tasks);
        simulation::run({}, [tasks](const simulation::World& world) {
            return check_late_write(world.loop, tasks);
        });
    }
}

Task<> check_write(Fixture& fixture) {
    Outbox& outbox = fixture.outbox;
    const std::string large(100'000, 'x');
    outbox.append(fixture.first, OctetKind::head, "head");
    outbox.flush_soon();  // The write is faster than the flush, and takes the head along.
    const sluice::Result<void> first = co_await outbox.write(fixture.first, bytes(large));
    CHECK(first);
    CHECK(fixture.pipe.sends == std::vector<std::size_t>{4 + large.size()});

    const sluice::Result<void> small = co_await outbox.write(fixture.first, bytes("small"));
    CHECK(small);
    CHECK(fixture.first.send.body_accepted == large.size());  // It only waits for company,
    co_await sleep_for(milliseconds(0));                      // and is now under way.
    outbox.append(fixture.first, OctetKind::framing, "more");
    const sluice::Result<void> second = co_await outbox.write(fixture.first, bytes(large));
    CHECK(second);
    CHECK(fixture.pipe.taken == "head" + large + "small" + "more" + large);
    CHECK(fixture.first.send.body_accepted == 2 * large.size() + 5);
    CHECK(fixture.first.send.framing_octets == 4);
    CHECK(outbox.empty());
}

TEST_CASE("outbox: large content leaves behind what was appended, and never across a flush",
          "[http][outbox]") {
    run(check_write);
}

Task<> check_abandon(Fixture& fixture) {
    Outbox& outbox = fixture.outbox;
    append_message(outbox, fixture.first, "head1", "content1");
    outbox.append(fixture.second, OctetKind::head, "head2");
    outbox.append(fixture.second, OctetKind::content, "content2");
    outbox.abandon_message(fixture.second);
    const sluice::Result<void> drained = co_await outbox.drained();
    CHECK(drained);
    CHECK(fixture.pipe.taken == "head1content1");
    CHECK(fixture.second.send.wire_accepted() == 0);
}

Task<> check_abandon_under_way(Fixture& fixture) {
    Outbox& outbox = fixture.outbox;
    append_message(outbox, fixture.first, "head1", "content1");
    outbox.append(fixture.second, OctetKind::head, "head2");
    outbox.flush_soon();
    co_await yield();
    co_await yield();
    outbox.append(fixture.second, OctetKind::head, "more");
    outbox.append(fixture.second, OctetKind::content, "content2");
    outbox.abandon_message(fixture.second);
    const sluice::Result<void> drained = co_await outbox.drained();
    CHECK(drained);
    CHECK(fixture.pipe.taken == "head1content1head2");
    CHECK(fixture.second.send.head == 5);
    CHECK(fixture.second.send.body_accepted == 0);
}

TEST_CASE("outbox: of a message that is given up, what is not under way is forgotten",
          "[http][outbox]") {
    run(check_abandon);
    run(check_abandon_under_way);
}

Task<> check_end_after_octets(Fixture& fixture) {
    Outbox& outbox = fixture.outbox;
    outbox.append(fixture.first, OctetKind::head, "head");
    const sluice::Result<void> drained = co_await outbox.drained();
    CHECK(drained);
    CHECK(fixture.listener.accepted.empty());
    CHECK(fixture.first.send.phase == SendPhase::head_sent);
    outbox.end_message(fixture.first);
    CHECK(fixture.listener.accepted.size() == 1);
    CHECK(fixture.first.send.phase == SendPhase::all_accepted);
}

TEST_CASE("outbox: a message may end after its last octet was accepted", "[http][outbox]") {
    run(check_end_after_octets);
}

Task<> check_stall(Fixture& fixture) {
    fixture.pipe.pause = seconds(3600);
    append_message(fixture.outbox, fixture.first, "head", "content");
    const Instant before = fixture.loop.now();
    const sluice::Result<void> drained = co_await fixture.outbox.drained();
    REQUIRE_FALSE(drained);
    CHECK(drained.error().code == sluice::Errc::timed_out);
    CHECK(fixture.loop.now() - before >= seconds(20));
    CHECK(fixture.loop.now() - before <= seconds(31));
    CHECK(fixture.listener.failures == 1);
}

Task<> acknowledge_slowly(Pipe& pipe) {
    for (int count = 0; count < 400; ++count) {
        co_await sleep_for(seconds(9));
        ++pipe.acknowledged_octets;
    }
}

Task<> check_progress(Fixture& fixture) {
    fixture.pipe.pause = seconds(3000);
    fixture.scope.spawn(acknowledge_slowly(fixture.pipe));
    append_message(fixture.outbox, fixture.first, "head", "content");
    const sluice::Result<void> drained = co_await fixture.outbox.drained();
    CHECK(drained);
}

TEST_CASE("outbox: a peer that acknowledges nothing for the stall time has stalled, and no other",
          "[http][outbox]") {
    run(check_stall);
    run(check_progress);
}

Task<> check_crowded(Fixture& fixture) {
    Outbox& outbox = fixture.outbox;
    const std::string small(1000, 'x');
    outbox.append(fixture.first, OctetKind::head, "head");
    while (!outbox.crowded()) {
        const sluice::Result<void> written = co_await outbox.write(fixture.first, bytes(small));
        CHECK(written);
    }
    CHECK(fixture.first.send.body_accepted == 0);
    // There is no room for more: it leaves, before the write completes.
    const sluice::Result<void> written = co_await outbox.write(fixture.first, bytes(small));
    CHECK(written);
    CHECK_FALSE(outbox.crowded());
    CHECK(fixture.first.send.body_accepted == fixture.pipe.taken.size() - 4);
}

TEST_CASE("outbox: short writes are held back up to a block, and no more", "[http][outbox]") {
    run(check_crowded);
}

Task<> check_many(Fixture& fixture) {
    std::vector<Outcome> outcomes(1000);
    std::string expected;
    for (std::size_t index = 0; index < outcomes.size(); ++index) {
        append_message(fixture.outbox, outcomes[index], "h", "c");
        expected.append("hc");
        if (index % 100 == 0) {
            fixture.outbox.flush_soon();
            co_await yield();
        }
    }
    const sluice::Result<void> drained = co_await fixture.outbox.drained();
    CHECK(drained);
    CHECK(fixture.pipe.taken == expected);
    REQUIRE(fixture.listener.accepted.size() == outcomes.size());
    for (std::size_t index = 0; index < outcomes.size(); ++index) {
        CHECK(fixture.listener.accepted[index] == &outcomes[index]);
        CHECK(outcomes[index].send.wire_accepted() == 2);
    }
}

TEST_CASE("outbox: many messages are accepted in their order", "[http][outbox]") {
    run(check_many);
}

}  // namespace
}  // namespace sluice::http
