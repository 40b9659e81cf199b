#include "sluice/tests/bench/costs.h"

#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

#include <netinet/in.h>
#include <array>
#include <thread>

// libuv has neither tasks nor channels nor locks that wait without blocking, and what is sent to
// another thread twice may arrive once: so there is less to measure.

namespace sluice::bench {
namespace {

template <std::size_t octets>
uv_buf_t buffer_of(std::array<char, octets>& memory) {
    return uv_buf_init(memory.data(), static_cast<unsigned>(octets));
}

// A ball between two loops, each with an async handle that the other sends.
struct Court {
    uv_loop_t home{};
    uv_loop_t away{};
    uv_async_t to_home{};
    uv_async_t to_away{};
    uv_async_t over{};
    std::size_t left = 0;
};

Court& court_of(uv_async_t* handle) {
    return *static_cast<Court*>(handle->data);
}

double post_there_and_back(std::size_t count) {
    Court court;
    court.left = count;
    uv_loop_init(&court.home);
    uv_loop_init(&court.away);
    uv_async_init(&court.away, &court.to_away,
                  [](uv_async_t* handle) { uv_async_send(&court_of(handle).to_home); });
    uv_async_init(&court.away, &court.over, [](uv_async_t* handle) {
        uv_close(reinterpret_cast<uv_handle_t*>(&court_of(handle).to_away), nullptr);
        uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
    });
    uv_async_init(&court.home, &court.to_home, [](uv_async_t* handle) {
        Court& its = court_of(handle);
        if (--its.left > 0) {
            uv_async_send(&its.to_away);
            return;
        }
        uv_async_send(&its.over);
        uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
    });
    court.to_away.data = court.over.data = court.to_home.data = &court;
    std::thread other([&court] { uv_run(&court.away, UV_RUN_DEFAULT); });
    const Stopwatch watch;
    uv_async_send(&court.to_away);
    uv_run(&court.home, UV_RUN_DEFAULT);
    const double cost = watch.each_of(count);
    other.join();
    uv_loop_close(&court.home);
    uv_loop_close(&court.away);
    return cost;
}

double timer_set_and_cancel(std::size_t count) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    const Stopwatch watch;
    for (std::size_t done = 0; done < count; ++done) {
        uv_timer_start(&timer, [](uv_timer_t*) {}, 1000 + 1000 * (done % 60), 0);
        uv_timer_stop(&timer);
    }
    const double cost = watch.each_of(count);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return cost;
}

struct Reading {
    uv_loop_t loop{};
    uv_fs_t request{};
    int fd = -1;
    std::size_t done = 0;
    std::size_t count = 0;
    std::array<char, file_block_octets> block{};

    void next() {
        const uv_buf_t into = buffer_of(block);
        const auto offset = static_cast<std::int64_t>(done % file_blocks * file_block_octets);
        uv_fs_read(&loop, &request, fd, &into, 1, offset, [](uv_fs_t* ended) {
            auto& self = *static_cast<Reading*>(ended->data);
            uv_fs_req_cleanup(ended);
            if (++self.done < self.count) {
                self.next();
            }
        });
    }
};

double file_read(std::size_t count) {
    Reading reading;
    uv_loop_init(&reading.loop);
    reading.fd = ::open(cached_file(), O_RDONLY | O_CLOEXEC);
    reading.count = count;
    reading.request.data = &reading;
    const Stopwatch watch;
    reading.next();
    uv_run(&reading.loop, UV_RUN_DEFAULT);
    const double cost = watch.each_of(count);
    ::close(reading.fd);
    uv_loop_close(&reading.loop);
    return cost;
}

// One end of a connection, which counts what it gets and answers a whole ball.
struct End {
    uv_tcp_t stream{};
    uv_write_t writing{};
    std::array<char, ping_octets> octets{};
    std::array<char, 4096> input{};
    std::size_t got = 0;
    std::size_t* left = nullptr;  // Of the end that counts the balls.

    void send() {
        const uv_buf_t ball = buffer_of(octets);
        uv_write(&writing, reinterpret_cast<uv_stream_t*>(&stream), &ball, 1, nullptr);
    }

    void read() {
        stream.data = this;
        uv_read_start(
            reinterpret_cast<uv_stream_t*>(&stream),
            [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
                auto& self = *static_cast<End*>(handle->data);
                *buffer = buffer_of(self.input);
            },
            [](uv_stream_t* handle, ssize_t received, const uv_buf_t*) {
                auto& self = *static_cast<End*>(handle->data);
                self.got += received > 0 ? static_cast<std::size_t>(received) : 0;
                if (received < 0 || (self.got == ping_octets && self.is_last())) {
                    uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
                } else if (self.got == ping_octets) {
                    self.got = 0;
                    self.send();
                }
            });
    }

    bool is_last() { return left != nullptr && --*left == 0; }
};

struct Table {
    uv_loop_t loop{};
    uv_tcp_t listener{};
    uv_connect_t connecting{};
    End client;
    End server;
};

double tcp_ping_pong(std::size_t count) {
    Table table;
    std::size_t left = count;
    table.client.left = &left;
    uv_loop_init(&table.loop);
    uv_tcp_init(&table.loop, &table.listener);
    uv_tcp_init(&table.loop, &table.client.stream);
    uv_tcp_init(&table.loop, &table.server.stream);
    sockaddr_in at{};
    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_bind(&table.listener, reinterpret_cast<const sockaddr*>(&at), 0);
    table.listener.data = &table;
    uv_listen(reinterpret_cast<uv_stream_t*>(&table.listener), 1, [](uv_stream_t* handle, int) {
        auto& its = *static_cast<Table*>(handle->data);
        uv_accept(handle, reinterpret_cast<uv_stream_t*>(&its.server.stream));
        uv_tcp_nodelay(&its.server.stream, 1);
        its.server.read();
        uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
    });
    int octets = sizeof at;
    uv_tcp_getsockname(&table.listener, reinterpret_cast<sockaddr*>(&at), &octets);
    table.connecting.data = &table;
    uv_tcp_connect(&table.connecting, &table.client.stream, reinterpret_cast<const sockaddr*>(&at),
                   [](uv_connect_t* request, int) {
                       auto& its = *static_cast<Table*>(request->data);
                       uv_tcp_nodelay(&its.client.stream, 1);
                       its.client.read();
                       its.client.send();
                   });
    const Stopwatch watch;
    uv_run(&table.loop, UV_RUN_DEFAULT);
    const double cost = watch.each_of(count);
    uv_loop_close(&table.loop);
    return cost;
}

}  // namespace

Costs uv_costs() {
    return {
        .post_there_and_back = &post_there_and_back,
        .timer_set_and_cancel = &timer_set_and_cancel,
        .file_read = &file_read,
        .tcp_ping_pong = &tcp_ping_pong,
    };
}

}  // namespace sluice::bench
