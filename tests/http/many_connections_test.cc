// 20,000 connections to one server, on each kernel backend: all ask at once, rest, and ask again.

#include "sluice/http/server.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

constexpr std::size_t wanted = 20'000;
constexpr std::size_t other_descriptors = 100;
constexpr std::size_t sources = 4;  // An address has too few ports.
constexpr int patience_ms = 20'000;

// What the server's process may grow by for each connection, and its last exchange.
constexpr std::size_t octets_a_connection_max = 4096;

// As many as descriptors allow, on either side.
std::size_t connections_possible() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t needed = wanted + other_descriptors;
    rlimit raised{needed, std::max(limit.rlim_max, needed)};
    if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
        raised = {limit.rlim_max, limit.rlim_max};
        setrlimit(RLIMIT_NOFILE, &raised);
        WARN("with " << raised.rlim_cur - other_descriptors << " connections: too few descriptors");
    }
    return std::min<std::size_t>(wanted, raised.rlim_cur - other_descriptors);
}

std::size_t resident_octets_most() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

// One server on a thread of its own, until it is asked for "/end".
class Serving {
public:
    explicit Serving(BackendKind kind) : thread_([this, kind] { run(kind); }) { port_.wait(0); }
    Serving(Serving&&) = delete;
    ~Serving() { thread_.join(); }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::size_t answered() const noexcept { return answered_; }

private:
    void run(BackendKind kind) {
        const OwnedBackend backend = make_backend(kind).value();
        Loop loop(*backend);
        block_on(loop, serve(loop));
    }

    Task<> serve(Loop& loop) {
        http::Server server(loop, [&](http::Request& request, http::Responder& responder) {
            return answer(server, request, responder);
        });
        const auto acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
        port_ = acceptor->local().port();
        port_.notify_one();
        const Result<void> served = co_await server.serve(*acceptor);
        static_cast<void>(served);
    }

    Task<> answer(http::Server& server, http::Request& request, http::Responder& responder) {
        ++answered_;
        if (request.target() == "/end") {
            server.drain(std::chrono::seconds(10));
        }
        responder.respond(http::Status::ok, "hello");
        co_return;
    }

    std::atomic<std::uint16_t> port_{0};
    std::atomic<std::size_t> answered_{0};
    std::thread thread_;
};

// The client's end of a connection, which waits where it has to.
class Client {
public:
    Client(std::uint16_t port, std::size_t index)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int late = 1;
        ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<in_addr_t>(index % sources));
        const Endpoint server = Endpoint::loopback(port);
        is_connected_ = ::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0 &&
                        ::connect(fd_, server.address(), server.address_octets()) == 0;
    }
    Client(Client&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), is_connected_(other.is_connected_) {}
    ~Client() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] bool is_connected() const noexcept { return is_connected_; }
    [[nodiscard]] bool ask(std::string_view request) const {
        return ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(request.size());
    }
    [[nodiscard]] bool is_answered() const {
        std::array<char, 512> octets{};
        std::size_t count = 0;
        pollfd asked{fd_, POLLIN, 0};
        while (!std::string_view(octets.data(), count).ends_with("\r\n\r\nhello")) {
            const ssize_t more = ::poll(&asked, 1, patience_ms) == 1
                                     ? ::recv(fd_, octets.data() + count, octets.size() - count, 0)
                                     : -1;
            if (more <= 0) {
                return false;
            }
            count += static_cast<std::size_t>(more);
        }
        return true;
    }

private:
    int fd_;
    bool is_connected_ = false;
};

// Up to the first that is not.
std::size_t answered_at_once(const std::vector<Client>& clients) {
    constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
    const bool all_asked =
        std::ranges::all_of(clients, [&](const Client& each) { return each.ask(request); });
    const auto unanswered = std::ranges::find_if_not(clients, &Client::is_answered);
    return all_asked ? static_cast<std::size_t>(unanswered - clients.begin()) : 0;
}

// In a process of its own, which has descriptors of its own. Yields whether all went well there.
bool ask_twice_elsewhere(std::uint16_t port, std::size_t connections) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::vector<Client> clients;
        clients.reserve(connections);
        for (std::size_t index = 0; index < connections; ++index) {
            clients.emplace_back(port, index);
        }
        const bool is_well = std::ranges::all_of(clients, &Client::is_connected) &&
                             answered_at_once(clients) == connections &&
                             answered_at_once(clients) == connections;
        ::_exit(is_well ? 0 : 1);
    }
    int status = -1;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

TEST_CASE("many connections: 20,000 ask at once, rest and ask again, and none is lost",
          "[http][connections]") {
    const std::size_t connections = connections_possible();
    const BackendKind kind = GENERATE(BackendKind::io_uring, BackendKind::epoll);
    CAPTURE(connections, static_cast<int>(kind));
    const std::size_t resident_before = resident_octets_most();
    Serving serving(kind);
    CHECK(ask_twice_elsewhere(serving.port(), connections));
    CHECK(serving.answered() == 2 * connections);
    CHECK(resident_octets_most() - resident_before < connections * octets_a_connection_max);
    const Client last(serving.port(), 0);
    CHECK(last.ask("GET /end HTTP/1.1\r\nHost: here\r\n\r\n"));
}

}  // namespace
}  // namespace sluice::tests
