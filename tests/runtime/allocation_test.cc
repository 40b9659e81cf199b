// What a runtime that has warmed up allocates: nothing.

#include "sluice/runtime/actor.h"
#include "sluice/runtime/any_sink.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/generator.h"
#include "sluice/runtime/mutex.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/serialized.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/allocations.h"
#include "sluice/tests/support/on_kernel.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;

constexpr int rounds_to_warm_up = 2000;
constexpr int rounds = 80'000;       // Of 13 operations: a million in all.
constexpr int rounds_a_timer = 100;  // Which takes a millisecond.

Task<> write_on(Sender<int>& sender, int count) {
    for (int item = 0; item < count; ++item) {
        std::ignore = co_await sender.write(item);
    }
}

Task<> read_on(Receiver<int>& receiver, int count) {
    for (int item = 0; item < count; ++item) {
        const Result<std::optional<int>> read = co_await receiver.read();
        ensure(read.has_value());
    }
}

Task<> pass(Sender<int>& sender, Receiver<int>& receiver, int count) {
    const Context context = co_await this_task();
    Scope scope(context);
    scope.spawn(read_on(receiver, count));
    scope.spawn(write_on(sender, count));
    co_await scope.join();
}

Task<> lock_on(Mutex& mutex, int count) {
    for (int turn = 0; turn < count; ++turn) {
        const Result<Mutex::Lock> lock = co_await mutex.lock();
        co_await yield();
    }
}

Task<> contend(Mutex& mutex, int count) {
    const Context context = co_await this_task();
    Scope scope(context);
    scope.spawn(lock_on(mutex, count));
    scope.spawn(lock_on(mutex, count));
    co_await scope.join();
}

Task<> increment(int& value) {
    ++value;
    co_return;
}

Generator<int> count_for_ever() {
    for (int number = 0;; ++number) {
        co_yield number;
    }
}

struct Question {
    std::optional<Sender<int>> reply;
};

Task<> answer_on(Receiver<Question>& mailbox, int count) {
    for (int message = 0; message < count; ++message) {
        Result<std::optional<Question>> question = co_await mailbox.read();
        std::ignore = co_await (**question).reply->write(message);
    }
}

Task<> ask(Sender<Question>& address, Receiver<Question>& mailbox, int count) {
    const Context context = co_await this_task();
    Scope scope(context);
    scope.spawn(answer_on(mailbox, count));
    const auto asking = [](Sender<int> sender) { return Question{std::move(sender)}; };
    for (int message = 0; message < count; ++message) {
        const Result<int> reply = co_await call<int>(address, asking);
        ensure(reply == message);
    }
    co_await scope.join();
}

// Everything that a program may hold, made once.
struct Pieces {
    Channel<int, BoundedSender<int>> bounded = bounded_channel<int>(16);
    Channel<int> rendezvous = rendezvous_channel<int>();
    Channel<int> broadcast = broadcast_channel<int>(16);
    Channel<Question, BoundedSender<Question>> questions = bounded_channel<Question>(4);
    Mutex mutex;
    Serialized<int> serialized{0};
    Generator<int> numbers = count_for_ever();
    int zero = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
};

Task<> use_everything(Pieces& pieces, int count) {
    const Context context = co_await this_task();
    co_await pass(pieces.bounded.sender, pieces.bounded.receiver, count);
    co_await pass(pieces.rendezvous.sender, pieces.rendezvous.receiver, count);
    co_await pass(pieces.broadcast.sender, pieces.broadcast.receiver, count);
    co_await contend(pieces.mutex, count);
    co_await ask(pieces.questions.sender, pieces.questions.receiver, count);
    std::array<std::byte, 512> buffer;
    for (int round = 0; round < count; ++round) {
        co_await pieces.serialized.modify(increment);
        std::ignore = co_await pieces.numbers.read();
        if (round % rounds_a_timer == 0) {
            co_await sleep_until(context.loop->now());
        }
        Perform reading(Read{pieces.zero, buffer, 0});
        co_await reading;
        Perform writing(Write{pieces.null, buffer, 0});
        co_await writing;
    }
}

Task<std::uint64_t> allocated_once_warm() {
    Pieces pieces;
    co_await use_everything(pieces, rounds_to_warm_up);
    const std::uint64_t before = allocations();
    co_await use_everything(pieces, rounds);
    const std::uint64_t after = allocations();
    ::close(pieces.zero);
    ::close(pieces.null);
    co_return after - before;
}

TEST_CASE("runtime: channels, locks, calls, timers, reads and writes allocate nothing once warm",
          "[runtime][allocation]") {
    CHECK(on_kernel(allocated_once_warm()) == 0);
}

Task<std::uint64_t> allocated_by_sources() {
    const Result<File> file = co_await File::open_to_read("/dev/zero");
    ensure(file.has_value());
    std::uint64_t before = 0;
    for (int round = 0; round < 3; ++round) {
        before = allocations();
        for (const std::uint64_t octets : {20'000UL, 100'000UL, 1'000'000UL}) {
            FileSource first(*file, {0, octets});
            FileSource second(*file, {0, octets}, 64 * 1024);
            std::ignore = co_await first.read();
            std::ignore = co_await second.read();
        }
    }
    co_return allocations() - before;
}

TEST_CASE("file source: what one has read through, the next one reads through",
          "[runtime][allocation]") {
    CHECK(on_kernel(allocated_by_sources()) == 0);
}

TEST_CASE("any sink: a clone is one allocation", "[runtime][allocation]") {
    auto [sender, receiver] = bounded_channel<int>(1);
    const AnySink<int> original(std::move(sender));
    const std::uint64_t before = allocations();
    {
        const AnySink<int> clone = original.clone();
        CHECK(allocations() - before == 1);
    }
    CHECK(receiver.is_idle());
}

}  // namespace
}  // namespace sluice::tests
