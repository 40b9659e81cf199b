#include "sluice/runtime/block_on.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/mutex.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/bench/costs.h"

#include <array>
#include <chrono>
#include <deque>
#include <thread>
#include <utility>

namespace sluice::bench {
namespace {

// A loop of its own, for as long as it lives.
struct Home {
    OwnedBackend backend = make_backend().value();
    Loop loop{*backend};
};

// A loop on another thread, until its Event is set there.
class Elsewhere {
public:
    Elsewhere()
        : thread_([this] {
              Home home;
              Ending ending(*this);
              loop_ = &home.loop;
              ending_ = &ending;
              ready_.store(true);
              ready_.notify_one();
              home.loop.run_until(over_);
          }) {
        ready_.wait(false);
    }
    ~Elsewhere() {
        loop_->post(*ending_);
        thread_.join();
    }
    Loop& loop() { return *loop_; }

private:
    class Ending final : public Posted {
    public:
        explicit Ending(Elsewhere& of) : of_(of) {}
        void arrived() noexcept override { of_.over_ = true; }

    private:
        Elsewhere& of_;
    };

    Loop* loop_ = nullptr;
    Ending* ending_ = nullptr;
    bool over_ = false;
    std::atomic<bool> ready_{false};
    std::thread thread_;
};

Task<std::size_t> child() {
    co_return 1;
}

Task<double> await_children(std::size_t count) {
    const Stopwatch watch;
    std::size_t sum = 0;
    for (std::size_t done = 0; done < count; ++done) {
        const std::size_t one = co_await child();
        sum += one;
    }
    co_return watch.each_of(sum);
}

Task<double> yield_often(std::size_t count) {
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        co_await yield();
    }
    co_return watch.each_of(count);
}

double await_a_task(std::size_t count) {
    Home home;
    return block_on(home.loop, await_children(count));
}

double resume_from_queue(std::size_t count) {
    Home home;
    return block_on(home.loop, yield_often(count));
}

class Ball final : public Posted {
public:
    Ball(Loop& here, Loop& there, std::size_t count) : here_(here), there_(there), left_(count) {}
    void arrived() noexcept override {
        is_here_ = !is_here_;
        if (is_here_ && --left_ == 0) {
            done = true;
            return;
        }
        (is_here_ ? there_ : here_).post(*this);
    }

    bool done = false;

private:
    Loop& here_;
    Loop& there_;
    std::size_t left_;
    bool is_here_ = true;
};

double post_there_and_back(std::size_t count) {
    Home home;
    Elsewhere elsewhere;
    Ball ball(home.loop, elsewhere.loop(), count);
    const Stopwatch watch;
    elsewhere.loop().post(ball);
    home.loop.run_until(ball.done);
    return watch.each_of(count);
}

class Message final : public Posted {
public:
    explicit Message(std::atomic<std::size_t>& arrived) : arrived_(arrived) {}
    void arrived() noexcept override { arrived_.fetch_add(1, std::memory_order_release); }

private:
    std::atomic<std::size_t>& arrived_;
};

double post_one_way(std::size_t count) {
    Elsewhere elsewhere;
    std::atomic<std::size_t> arrived{0};
    std::deque<Message> messages;
    const Stopwatch watch;
    for (std::size_t posted = 0; posted < count; ++posted) {
        elsewhere.loop().post(messages.emplace_back(arrived));
    }
    while (arrived.load(std::memory_order_acquire) < count) {
        std::this_thread::yield();
    }
    return watch.each_of(count);
}

Task<> produce(Sender<std::size_t>& sender, std::size_t count) {
    for (std::size_t item = 0; item < count; ++item) {
        const Sent<std::size_t> sent = co_await sender.write(item);
        (void)sent;
    }
    const Result<void> finished = co_await sender.finish();
    (void)finished;
}

Task<> consume(Receiver<std::size_t>& receiver) {
    bool more = true;
    while (more) {
        const Result<std::optional<std::size_t>> item = co_await receiver.read();
        more = item && *item;
    }
}

Task<double> through_a_channel(std::size_t count) {
    const Context context = co_await this_task();
    auto [sender, receiver] = bounded_channel<std::size_t>(channel_items_max);
    Scope both(context);
    const Stopwatch watch;
    both.spawn(produce(sender, count));
    both.spawn(consume(receiver));
    co_await both.join();
    co_return watch.each_of(count);
}

double channel_one_thread(std::size_t count) {
    Home home;
    return block_on(home.loop, through_a_channel(count));
}

double channel_two_threads(std::size_t count) {
    auto [sender, receiver] = bounded_channel<std::size_t>(channel_items_max);
    const Stopwatch watch;
    std::thread other([&receiver] {
        Home home;
        block_on(home.loop, consume(receiver));
    });
    {
        Home home;
        block_on(home.loop, produce(sender, count));
    }
    other.join();
    return watch.each_of(count);
}

Task<> lock_often(Mutex& mutex, std::size_t count) {
    for (std::size_t done = 0; done < count; ++done) {
        const Result<Mutex::Lock> lock = co_await mutex.lock();
        co_await yield();
    }
}

Task<double> hand_over(std::size_t count) {
    const Context context = co_await this_task();
    Mutex mutex;
    Scope both(context);
    const Stopwatch watch;
    both.spawn(lock_often(mutex, count / 2));
    both.spawn(lock_often(mutex, count / 2));
    co_await both.join();
    co_return watch.each_of(count);
}

double mutex_hand_off(std::size_t count) {
    Home home;
    return block_on(home.loop, hand_over(count));
}

class Limit final : public Timer {
public:
    void fired() noexcept override {}
};

double timer_set_and_cancel(std::size_t count) {
    Home home;
    Limit limit;
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        home.loop.arm(limit, after(home.loop.now(), std::chrono::seconds(1 + done % 60)));
        limit.disarm();
    }
    return watch.each_of(count);
}

Task<double> read_blocks(std::size_t count) {
    const Result<File> file = co_await File::open_to_read(cached_file());
    std::array<std::byte, file_block_octets> block;
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        const Result<std::size_t> octets =
            co_await file->read_at(block, done % file_blocks * file_block_octets);
        (void)octets;
    }
    co_return watch.each_of(count);
}

double file_read(std::size_t count) {
    Home home;
    return block_on(home.loop, read_blocks(count));
}

Task<> send_ball(Transport& transport) {
    std::array<std::byte, ping_octets> octets{};
    std::array<iovec, 1> parts{iovec{octets.data(), octets.size()}};
    const Result<std::uint64_t> sent = co_await transport.send(parts);
    (void)sent;
}

Task<bool> catch_ball(Transport& transport) {
    std::size_t octets = 0;
    bool open = true;
    while (open && octets < ping_octets) {
        const Result<Received> received = co_await transport.receive();
        open = received && !received->empty();
        octets += open ? received->size() : 0;
    }
    co_return open;
}

Task<> play_back(Acceptor& acceptor) {
    Result<std::unique_ptr<Transport>> transport = co_await acceptor.accept();
    bool open = true;
    while (open) {
        open = co_await catch_ball(**transport);
        if (open) {
            co_await send_ball(**transport);
        }
    }
    co_await (*transport)->close(Ending::orderly);
}

Task<double> ping_pong(std::size_t count) {
    const Context context = co_await this_task();
    std::unique_ptr<TcpAcceptor> acceptor =
        TcpAcceptor::listen(*context.loop, Endpoint::loopback(0)).value();
    Scope playing(context);
    playing.spawn(play_back(*acceptor));
    TcpConnector connector(*context.loop);
    ConnectTimes times;
    const Result<std::unique_ptr<Transport>> transport =
        co_await connector.connect("127.0.0.1", acceptor->local().port(), times);
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        co_await send_ball(**transport);
        const bool open = co_await catch_ball(**transport);
        (void)open;
    }
    const double cost = watch.each_of(count);
    co_await (*transport)->close(Ending::orderly);
    co_await playing.join();
    co_await acceptor->close();
    co_return cost;
}

double tcp_ping_pong(std::size_t count) {
    Home home;
    return block_on(home.loop, ping_pong(count));
}

}  // namespace

Costs sluice_costs() {
    return {
        .await_a_task = &await_a_task,
        .resume_from_queue = &resume_from_queue,
        .post_there_and_back = &post_there_and_back,
        .post_one_way = &post_one_way,
        .channel_one_thread = &channel_one_thread,
        .channel_two_threads = &channel_two_threads,
        .mutex_hand_off = &mutex_hand_off,
        .timer_set_and_cancel = &timer_set_and_cancel,
        .file_read = &file_read,
        .tcp_ping_pong = &tcp_ping_pong,
    };
}

}  // namespace sluice::bench
