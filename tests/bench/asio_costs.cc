#include "sluice/tests/bench/costs.h"

#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <chrono>
#include <thread>
#include <utility>

namespace sluice::bench {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using Code = boost::system::error_code;
using Channel = asio::experimental::channel<void(Code, std::size_t)>;
using SharedChannel = asio::experimental::concurrent_channel<void(Code, std::size_t)>;

double run(awaitable<double> task) {
    asio::io_context context(1);
    double cost = 0;
    asio::co_spawn(context, std::move(task),
                   [&cost](std::exception_ptr, double measured) { cost = measured; });
    context.run();
    return cost;
}

awaitable<std::size_t> child() {
    co_return 1;
}

awaitable<double> await_children(std::size_t count) {
    const Stopwatch watch;
    std::size_t sum = 0;
    for (std::size_t done = 0; done < count; ++done) {
        const std::size_t one = co_await child();
        sum += one;
    }
    co_return watch.each_of(sum);
}

awaitable<double> post_often(std::size_t count) {
    const auto executor = co_await asio::this_coro::executor;
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        co_await asio::post(executor, use_awaitable);
    }
    co_return watch.each_of(count);
}

double await_a_task(std::size_t count) {
    return run(await_children(count));
}

double resume_from_queue(std::size_t count) {
    return run(post_often(count));
}

// A context on another thread.
class Elsewhere {
public:
    Elsewhere() : thread_([this] { context.run(); }) {}
    ~Elsewhere() {
        work_.reset();
        thread_.join();
    }

    asio::io_context context{1};

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
    std::thread thread_;
};

class Ball {
public:
    Ball(asio::io_context& here, asio::io_context& there, std::size_t count)
        : here_(here), there_(there), left_(count) {}
    void play() {
        asio::post(there_, [this] {
            asio::post(here_, [this] {
                if (--left_ > 0) {
                    play();
                } else {
                    here_.stop();
                }
            });
        });
    }

private:
    asio::io_context& here_;
    asio::io_context& there_;
    std::size_t left_;
};

double post_there_and_back(std::size_t count) {
    asio::io_context home(1);
    const auto work = asio::make_work_guard(home);
    Elsewhere elsewhere;
    Ball ball(home, elsewhere.context, count);
    const Stopwatch watch;
    ball.play();
    home.run();
    return watch.each_of(count);
}

double post_one_way(std::size_t count) {
    Elsewhere elsewhere;
    std::atomic<std::size_t> arrived{0};
    const Stopwatch watch;
    for (std::size_t posted = 0; posted < count; ++posted) {
        asio::post(elsewhere.context,
                   [&arrived] { arrived.fetch_add(1, std::memory_order_release); });
    }
    while (arrived.load(std::memory_order_acquire) < count) {
        std::this_thread::yield();
    }
    return watch.each_of(count);
}

template <typename Items>
awaitable<void> produce(Items& items, std::size_t count) {
    for (std::size_t item = 0; item < count; ++item) {
        co_await items.async_send(Code(), item, use_awaitable);
    }
}

template <typename Items>
awaitable<void> consume(Items& items, std::size_t count) {
    for (std::size_t item = 0; item < count; ++item) {
        co_await items.async_receive(use_awaitable);
    }
}

double channel_one_thread(std::size_t count) {
    asio::io_context context(1);
    Channel items(context, channel_items_max);
    const Stopwatch watch;
    asio::co_spawn(context, produce(items, count), asio::detached);
    asio::co_spawn(context, consume(items, count), asio::detached);
    context.run();
    return watch.each_of(count);
}

double channel_two_threads(std::size_t count) {
    asio::io_context here(1);
    asio::io_context there(1);
    SharedChannel items(here, channel_items_max);
    const Stopwatch watch;
    asio::co_spawn(here, produce(items, count), asio::detached);
    asio::co_spawn(there, consume(items, count), asio::detached);
    std::thread other([&there] { there.run(); });
    const auto work = asio::make_work_guard(here);
    std::thread home([&here] { here.run(); });
    other.join();
    const double cost = watch.each_of(count);
    here.stop();
    home.join();
    return cost;
}

// Asio has no lock for coroutines; a channel with one place is what is used for it.
awaitable<void> lock_often(Channel& lock, std::size_t count) {
    const auto executor = co_await asio::this_coro::executor;
    for (std::size_t done = 0; done < count; ++done) {
        co_await lock.async_send(Code(), 0, use_awaitable);
        co_await asio::post(executor, use_awaitable);
        co_await lock.async_receive(use_awaitable);
    }
}

double mutex_hand_off(std::size_t count) {
    asio::io_context context(1);
    Channel lock(context, 1);
    const Stopwatch watch;
    asio::co_spawn(context, lock_often(lock, count / 2), asio::detached);
    asio::co_spawn(context, lock_often(lock, count / 2), asio::detached);
    context.run();
    return watch.each_of(count);
}

double timer_set_and_cancel(std::size_t count) {
    constexpr std::size_t at_once = 64;  // Then what was cancelled is called.
    asio::io_context context(1);
    asio::steady_timer timer(context);
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        timer.expires_after(std::chrono::seconds(1 + done % 60));
        timer.async_wait([](Code) {});
        timer.cancel();
        if (done % at_once == 0) {
            context.restart();
            context.poll();
        }
    }
    return watch.each_of(count);
}

awaitable<double> read_blocks(std::size_t count) {
    const auto executor = co_await asio::this_coro::executor;
    asio::random_access_file file(executor, cached_file(), asio::random_access_file::read_only);
    std::array<std::byte, file_block_octets> block;
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        co_await file.async_read_some_at(done % file_blocks * file_block_octets,
                                         asio::buffer(block), use_awaitable);
    }
    co_return watch.each_of(count);
}

double file_read(std::size_t count) {
    return run(read_blocks(count));
}

awaitable<void> play_back(tcp::socket socket) {
    std::array<std::byte, ping_octets> octets{};
    Code error;
    while (!error) {
        co_await asio::async_read(socket, asio::buffer(octets),
                                  asio::redirect_error(use_awaitable, error));
        if (!error) {
            co_await asio::async_write(socket, asio::buffer(octets), use_awaitable);
        }
    }
}

awaitable<double> ping_pong(std::size_t count) {
    const auto executor = co_await asio::this_coro::executor;
    tcp::acceptor acceptor(executor, {asio::ip::address_v4::loopback(), 0});
    tcp::socket socket(executor);
    socket.connect(acceptor.local_endpoint());
    tcp::socket accepted = acceptor.accept();
    socket.set_option(tcp::no_delay(true));
    accepted.set_option(tcp::no_delay(true));
    asio::co_spawn(executor, play_back(std::move(accepted)), asio::detached);
    std::array<std::byte, ping_octets> octets{};
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        co_await asio::async_write(socket, asio::buffer(octets), use_awaitable);
        co_await asio::async_read(socket, asio::buffer(octets), use_awaitable);
    }
    co_return watch.each_of(count);
}

double tcp_ping_pong(std::size_t count) {
    return run(ping_pong(count));
}

}  // namespace

Costs asio_costs() {
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
