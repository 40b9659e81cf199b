#include "sluice/runtime/foreign_operation.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/random.h"
#include "sluice/runtime/task_dump.h"
#include "sluice/tests/runtime/contract.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

namespace sluice::tests {
namespace {

constexpr std::byte pattern{0x5A};

// As libusb or a DMA driver: transfers are given buffers, and end by a callback on its own thread.
class Engine {
public:
    struct Transfer {
        std::span<std::byte> into;
        std::function<void(int)> ended;  // Octets, or -1 if it was cancelled.
        const void* id;
    };

    Engine() : thread_([this] { work(); }) {}
    Engine(Engine&&) = delete;
    ~Engine() {
        {
            const std::lock_guard lock(mutex_);
            is_ending_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    void submit(Transfer transfer) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(transfer));
        changed_.notify_all();
    }
    // It still ends by its callback, which may say that it had ended before.
    void cancel(const void* id) {
        const std::lock_guard lock(mutex_);
        const bool is_waiting = std::any_of(waiting_.begin(), waiting_.end(),
                                            [&](const Transfer& each) { return each.id == id; });
        cancelled_ = is_waiting ? id : nullptr;
        ++cancels_;
        changed_.notify_all();
    }
    // Transfers end only while data comes.
    void set_data_comes(bool comes) {
        const std::lock_guard lock(mutex_);
        data_comes_ = comes;
        changed_.notify_all();
    }
    [[nodiscard]] int cancels() {
        const std::lock_guard lock(mutex_);
        return cancels_;
    }

private:
    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] {
                const bool first_is_cancelled =
                    !waiting_.empty() && waiting_.front().id == cancelled_;
                return is_ending_ || first_is_cancelled || (data_comes_ && !waiting_.empty());
            });
            if (waiting_.empty()) {
                return;
            }
            const Transfer transfer = std::move(waiting_.front());
            waiting_.pop_front();
            const bool is_cancelled = std::exchange(cancelled_, nullptr) == transfer.id;
            lock.unlock();
            if (!is_cancelled) {
                std::fill(transfer.into.begin(), transfer.into.end(), pattern);
            }
            transfer.ended(is_cancelled ? -1 : static_cast<int>(transfer.into.size()));
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Transfer> waiting_;
    const void* cancelled_ = nullptr;
    bool data_comes_ = true;
    bool is_ending_ = false;
    int cancels_ = 0;
    std::thread thread_;
};

class Transfer final : public ForeignOperation<int> {
public:
    Transfer(Engine& engine, std::span<std::byte> into) noexcept : engine_(engine), into_(into) {}

private:
    void begin() noexcept override {
        engine_.submit({into_, [this](int result) { complete(result); }, this});
    }
    void ask_to_stop() noexcept override { engine_.cancel(this); }

    Engine& engine_;
    std::span<std::byte> into_;
};

// The buffer is this frame's: the engine writes where it will be read.
Task<Result<int>> transfer_once(Engine& engine) {
    std::array<std::byte, 256> buffer{};
    Transfer transfer(engine, buffer);
    const Result<int> result = co_await transfer;
    const bool is_written = result.has_value() && *result > 0;
    const std::byte expected = is_written ? pattern : std::byte{0};
    const bool is_right =
        std::all_of(buffer.begin(), buffer.end(), [&](std::byte each) { return each == expected; });
    REQUIRE(is_right);
    co_return result;
}

Task<> transfer_many(Engine& engine) {
    for (int number = 0; number < 1000; ++number) {
        const Result<int> result = co_await transfer_once(engine);
        REQUIRE(result.value_or(-2) == 256);
    }
}

TEMPLATE_TEST_CASE("foreign operation: an engine's callback on its own thread resumes the task",
                   "[runtime][foreign]", OnUring, OnEpoll) {
    TestType world(0);
    Loop loop(*world);
    Engine engine;
    block_on(loop, transfer_many(engine));
}

Task<std::string> stop_one(Engine& engine) {
    engine.set_data_comes(false);
    const Context context = co_await this_task();
    Running<Result<int>> running(context, transfer_once(engine));
    co_await yield();
    std::string dump = task_dump(*context.loop);
    running.request_stop();
    CHECK(!running.is_done());  // The engine has not answered, or we have not heard.
    co_await running.join();
    const Result<int> result = running.take();
    CHECK(result.value_or(-2) == -1);
    co_return dump;
}

Task<> not_begun(Engine& engine) {
    StopSource stop;
    stop.request();
    Under<Result<int>> under(&stop, transfer_once(engine));
    const Result<int> result = co_await under;
    CHECK(result.error().code == Errc::cancelled);
}

TEST_CASE("foreign operation: a stop asks the engine, and its callback is awaited",
          "[runtime][foreign]") {
    OnUring world(0);
    Loop loop(*world);
    Engine engine;
    const std::string dump = block_on(loop, stop_one(engine));
    CHECK(engine.cancels() == 1);
    CHECK(dump.find("awaits a foreign operation") != std::string::npos);
    block_on(loop, not_begun(engine));
    CHECK(engine.cancels() == 1);
}

Task<int> stop_at_random(Engine& engine) {
    simulation::Random random(3);
    const Context context = co_await this_task();
    int stopped = 0;
    for (int round = 0; round < 2000; ++round) {
        Running<Result<int>> running(context, transfer_once(engine));
        for (std::uint64_t turns = random.below(4); turns > 0; --turns) {
            co_await yield();
        }
        running.request_stop();
        co_await running.join();
        const Result<int> result = running.take();
        const bool is_answered = !result.has_value() || *result == -1 || *result == 256;
        REQUIRE(is_answered);
        stopped += result.value_or(-1) == -1 ? 1 : 0;
    }
    co_return stopped;
}

TEST_CASE("foreign operation: stops at random moments lose no callback", "[runtime][foreign]") {
    OnEpoll world(0);
    Loop loop(*world);
    Engine engine;
    const int stopped = block_on(loop, stop_at_random(engine));
    CHECK(stopped > 0);
}

Task<std::int32_t> readable(int fd) {
    Perform polling(Poll{fd, POLLIN});
    const std::int32_t events = co_await polling;
    co_return events;
}

Task<> ready_when_written(int fd) {
    const Context context = co_await this_task();
    Running<std::int32_t> running(context, readable(fd));
    co_await yield();
    co_await yield();
    CHECK(!running.is_done());
    const std::uint64_t one = 1;
    REQUIRE(::write(fd, &one, sizeof one) == sizeof one);
    co_await running.join();
    CHECK((running.take() & POLLIN) != 0);
}

TEMPLATE_TEST_CASE("readiness: that of any descriptor can be awaited", "[runtime][foreign]",
                   OnUring, OnEpoll) {
    TestType world(0);
    Loop loop(*world);
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    block_on(loop, ready_when_written(fd));
    world->close(fd);
}

bool is_told(int descriptor, int patience_ms) {
    pollfd asked{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, patience_ms) > 0;
}

// As a loop of somebody else's does, until nothing is left to do.
bool comes_to_rest(Loop& loop) {
    bool is_quiet = false;
    for (int polls = 0; polls < 10 && !is_quiet; ++polls) {
        const Instant back_at = loop.poll();
        is_quiet = back_at != Instant::min() && !is_told(loop.descriptor(), 0);
    }
    return is_quiet;
}

Task<> take_events(int fd, int count, int& taken) {
    for (; taken < count; ++taken) {
        Perform polling(Poll{fd, POLLIN});
        co_await polling;
        std::uint64_t events = 0;
        REQUIRE(::read(fd, &events, sizeof events) == sizeof events);
    }
}

class Message final : public Posted {
public:
    void arrived() noexcept override { ++times; }
    int times = 0;
};

constexpr int enough_ms = 10'000;

TEMPLATE_TEST_CASE("descriptor: tells a foreign loop of all that comes, and of nothing else",
                   "[runtime][foreign]", OnUring, OnOldUring, OnEpoll) {
    TestType world(0);
    Loop loop(*world);
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int taken = 0;
    Message message;
    REQUIRE(loop.descriptor() >= 0);
    {
        Scope scope(loop);
        scope.spawn(take_events(fd, 3, taken));
        for (int round = 1; round <= 3; ++round) {
            REQUIRE(comes_to_rest(loop));
            std::thread([fd] {
                const std::uint64_t one = 1;
                REQUIRE(::write(fd, &one, sizeof one) == sizeof one);
            }).join();
            REQUIRE(is_told(loop.descriptor(), enough_ms));
            REQUIRE(comes_to_rest(loop));
            CHECK(taken == round);

            std::thread([&] { loop.post(message); }).join();
            REQUIRE(is_told(loop.descriptor(), enough_ms));
            REQUIRE(comes_to_rest(loop));
            CHECK(message.times == round);
        }
    }
    world->close(fd);
}

}  // namespace
}  // namespace sluice::tests
