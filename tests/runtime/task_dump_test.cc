#include "sluice/runtime/task_dump.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/frame_pool.h"
#include "sluice/runtime/mutex.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/tcp.h"
#include "sluice/runtime/threads.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/death.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::tests {

// Named, and so found in a dump by their names.
Task<> dumped_sleeper() {
    co_await sleep_for(std::chrono::seconds(10));
}

Task<> dumped_waiter(Event& event) {
    co_await event.wait();
}

Task<bool> dumped_middle(Event& event) {
    co_await dumped_waiter(event);
    co_return true;
}

Task<bool> dumped_reader(Transport& transport) {
    const Result<Received> received = co_await transport.receive();
    co_return received.has_value();
}

Task<> dumped_holder(Mutex& mutex, Event& event) {
    const Result<Mutex::Lock> lock = co_await mutex.lock();
    CHECK(lock.has_value());
    co_await event.wait();
}

Task<> dumped_next(Mutex& mutex, Event& event) {
    const Result<Mutex::Lock> lock = co_await mutex.lock();
    CHECK(lock.has_value());
    co_await event.wait();
}

Task<> dumped_channel_reader(Receiver<int>& receiver) {
    const Result<std::optional<int>> item = co_await receiver.read();
    CHECK_FALSE(item.has_value());
}

Task<> dumped_channel_writer(Sender<int>& sender) {
    const Sent<int> first = co_await sender.write(1);
    CHECK(first.has_value());
    const Sent<int> second = co_await sender.write(2);
    CHECK_FALSE(second.has_value());
}

namespace {

using simulation::run;
using simulation::World;

bool contains(const std::string& text, std::string_view wanted) {
    UNSCOPED_INFO(text);
    return text.find(wanted) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& wanted) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(wanted, at)) != std::string::npos; ++at) {
        ++found;
    }
    return found;
}

// The columns before a name in its line; nothing if it is in none.
std::optional<std::size_t> indent_of(const std::string& text, const std::string& name) {
    const std::size_t at = text.find(name + " ");
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::size_t line = text.rfind('\n', at) + 1;
    return text.find_first_not_of(' ', line) - line;
}

Task<std::string> dump_of_a_few(Loop& loop) {
    Event event;
    Scope scope(loop);
    scope.spawn(dumped_sleeper());
    const Context context = co_await this_task();
    Running<bool> running(context, dumped_middle(event));
    co_await sleep_for(std::chrono::seconds(2));
    std::string dump = task_dump(loop);
    event.set();
    co_await running.join();
    scope.request_stop();
    co_await scope.join();
    co_return dump;
}

TEST_CASE("task dump: it lists every task, what it awaits, since when and below which",
          "[runtime][dump]") {
    const std::string dump = run({}, [](World& world) { return dump_of_a_few(world.loop); });
    CHECK(contains(dump, ", 5 tasks:\n"));
    CHECK(contains(dump, "sluice::sleep_for "));
    CHECK(contains(dump, "awaits a timer, due in 7.99"));
    CHECK(contains(dump, "awaits an event, for 2.0"));
    CHECK(contains(dump, "awaits the task below, for 2.0"));
    CHECK(contains(dump, "is ready"));  // The task that asked.
    const std::size_t root = indent_of(dump, "sluice::tests::dump_of_a_few").value_or(99);
    CHECK(indent_of(dump, "sluice::tests::dumped_sleeper") == root + 2);
    CHECK(indent_of(dump, "sluice::tests::dumped_middle") == root + 2);
    CHECK(indent_of(dump, "sluice::tests::dumped_waiter") == root + 4);
}

Task<std::string> dump_of_a_connection(Loop& loop) {
    auto acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    TcpConnector connector(loop);
    ConnectTimes times;
    auto client = co_await connector.connect("127.0.0.1", acceptor->local().port(), times);
    auto server = co_await acceptor->accept();
    const Context context = co_await this_task();
    Running<bool> reading(context, dumped_reader(**client));
    co_await sleep_for(std::chrono::seconds(1));
    std::string dump = task_dump(loop);
    reading.request_stop();
    co_await reading.join();
    co_await (*client)->close(Ending::orderly);
    co_await (*server)->close(Ending::orderly);
    co_await acceptor->close();
    co_return dump;
}

TEST_CASE("task dump: a wait for input names its descriptor", "[runtime][dump]") {
    const std::string dump = run({}, [](World& world) { return dump_of_a_connection(world.loop); });
    CHECK(contains(dump, "awaits input of descriptor "));
}

// First the holder holds it, then the next, and at last nobody.
Task<std::vector<std::string>> dumps_of_a_lock(Loop& loop) {
    Mutex mutex;
    Event first;
    Event second;
    Event third;
    const std::array<Event*, 3> ends{&first, &second, &third};
    Scope scope(loop);
    scope.spawn(dumped_holder(mutex, first));
    scope.spawn(dumped_next(mutex, second));
    scope.spawn(dumped_next(mutex, third));
    std::vector<std::string> dumps;
    for (Event* const end : ends) {
        co_await sleep_for(std::chrono::seconds(1));
        dumps.push_back(task_dump(loop));
        end->set();
    }
    co_await scope.join();
    co_return dumps;
}

TEST_CASE("task dump: who waits for a lock is told which task holds it", "[runtime][dump]") {
    const std::vector<std::string> dumps =
        run({}, [](World& world) { return dumps_of_a_lock(world.loop); });
    const std::string by_holder = " held by sluice::tests::dumped_holder, for ";
    const std::string by_next = " held by sluice::tests::dumped_next, for ";
    CHECK(contains(dumps[0], "awaits lock 0x"));
    CHECK(count(dumps[0], by_holder) == 2);
    CHECK(count(dumps[1], by_next) == 1);
    CHECK(count(dumps[1], " held by ") == 1);
    CHECK(count(dumps[2], " held by ") == 0);
}

Task<std::string> dump_of_channels(Loop& loop) {
    auto [to_nobody, unread] = bounded_channel<int>(1);
    auto [silent, empty] = unbounded_channel<int>();
    Sender<int> writing(std::move(to_nobody));
    Scope scope(loop);
    scope.spawn(dumped_channel_writer(writing));
    scope.spawn(dumped_channel_reader(empty));
    co_await sleep_for(std::chrono::seconds(1));
    std::string dump = task_dump(loop);
    scope.request_stop();
    co_await scope.join();
    co_return dump;
}

TEST_CASE("task dump: who waits for a channel is told which, and whether for an item or for room",
          "[runtime][dump]") {
    const std::string dump = run({}, [](World& world) { return dump_of_channels(world.loop); });
    CHECK(contains(dump, "awaits room in channel 0x"));
    CHECK(contains(dump, "awaits an item of channel 0x"));
}

Task<int> asks_for_dumps(Loop& loop, unsigned index) {
    Event event;
    Scope scope(loop);
    scope.spawn(dumped_waiter(event));
    while (index == 0) {
        ::kill(::getpid(), SIGUSR1);
        co_await sleep_for(std::chrono::milliseconds(20));
    }
    co_await scope.join();
    co_return 0;
}

TEST_CASE("task dump: who waits for its signal can be destroyed", "[runtime][dump]") {
    for (int round = 0; round < 3; ++round) {
        const DumpOnSignal dumps(SIGUSR2);
    }
}

TEST_CASE("task dump: other signals are left to the threads that wait for them",
          "[runtime][dump]") {
    const pid_t child = ::fork();
    if (child == 0) {
        const DumpOnSignal dumps(SIGUSR1);
        const SignalSet termination(SIGTERM);
        block_signals(termination);
        ::kill(::getpid(), SIGTERM);
        ::_exit(::sigwaitinfo(&termination.native(), nullptr) == SIGTERM ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

void dump_for_ever(int into) {
    ::dup2(into, STDERR_FILENO);
    const DumpOnSignal dumps(SIGUSR1);
    static_cast<void>(run_on_threads(2, BackendKind::automatic, asks_for_dumps));
}

std::size_t count_of(const std::string& text, std::string_view wanted) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(wanted, at)) != std::string::npos; ++at) {
        ++count;
    }
    return count;
}

TEST_CASE("task dump: a signal has every loop of a running program tell its tasks",
          "[runtime][dump]") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        dump_for_ever(ends[1]);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string said;
    std::array<char, 4096> piece{};
    // Each dump has both loops, but for the first, which may come before the second is there.
    while (count_of(said, "sluice::tests::dumped_waiter") < 4) {
        const ssize_t count = ::read(ends[0], piece.data(), piece.size());
        REQUIRE(count > 0);
        said.append(piece.data(), static_cast<std::size_t>(count));
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    CHECK(contains(said, "asks_for_dumps"));
    CHECK(contains(said, "awaits the end of all tasks it started"));
    CHECK(contains(said, "awaits a timer, due in 0.0"));
}

Task<int> deep(Loop& loop, int depth, std::string& dump) {
    if (depth == 0) {
        co_await yield();
        dump = task_dump(loop);
        co_return 0;
    }
    const int below = co_await deep(loop, depth - 1, dump);
    co_return below + 1;
}

TEST_CASE("task dump: a chain of thousands is listed whole, and what has ended is not",
          "[runtime][dump]") {
    std::string dump;
    const int depth = run({}, [&](World& world) { return deep(world.loop, 3000, dump); });
    CHECK(depth == 3000);
    CHECK(contains(dump.substr(0, 64), ", 3001 tasks:\n"));
    run({}, [&](World& world) { return deep(world.loop, 1, dump); });
    CHECK(contains(dump, ", 2 tasks:\n"));
}

Task<> destroys_a_running_task(Loop& loop) {
    Event event;
    struct Owner final : TaskOwner {
        void finished(Coroutine&) noexcept override {}
    } owner;
    {
        Task<> task = dumped_waiter(event);
        task.start(loop, nullptr, owner);
        co_await yield();
    }
    co_await yield();
}

TEST_CASE("task: one that is destroyed half-way aborts with its name and what it awaits",
          "[runtime][task]") {
    const auto said =
        death_of([] { run({}, [](World& world) { return destroys_a_running_task(world.loop); }); });
    CHECK(contains(said.value_or(""),
                   "dumped_waiter was destroyed before its end: it awaits an event"));
}

Task<> leaves_a_scope(Loop& loop) {
    Event event;
    {
        Scope scope(loop);
        scope.spawn(dumped_waiter(event));
        co_await yield();
    }
    co_await yield();
}

TEST_CASE("scope: one that is left with children aborts with their names", "[runtime][scope]") {
    const auto said =
        death_of([] { run({}, [](World& world) { return leaves_a_scope(world.loop); }); });
    CHECK(contains(said.value_or(""), "with 1 tasks running"));
    CHECK(contains(said.value_or(""), "sluice::tests::dumped_waiter"));
}

TEST_CASE("frame pool: what is allocated again after a thread's end is of its slabs",
          "[runtime][frame]") {
    const auto blocks = [] {
        std::size_t count = 0;
        frame_pool.for_each_block([&](const std::byte*, std::size_t) { ++count; });
        return count;
    };
    void* const odd = frame_pool.allocate(1999);
    void* const big = frame_pool.allocate(100'000);
    const std::size_t before = blocks();
    frame_pool.free(big, 100'000);
    CHECK(blocks() == before - 1);
    frame_pool.free(odd, 1999);
    void* const again = frame_pool.allocate(1985);
    CHECK((again == odd || !frames_are_pooled));
    frame_pool.free(again, 1985);
    std::thread([] { frame_pool.free(frame_pool.allocate(1500), 1500); }).join();
    frame_pool.free(frame_pool.allocate(1400), 1400);  // The first of its size on this thread.
    std::size_t found = 0;
    frame_pool.for_each_block(
        [&](const std::byte*, std::size_t octets) { found += octets == 1504 ? 1 : 0; });
    CHECK(found == (frames_are_pooled ? 1 : 0));
}

}  // namespace
}  // namespace sluice::tests
