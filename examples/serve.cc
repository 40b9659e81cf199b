#include "sluice/examples/serve.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/signals.h"
#include "sluice/runtime/tcp.h"
#include "sluice/runtime/threads.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace sluice::examples {

namespace {

// A port that the kernel chose, kept until all loops listen on it: nobody else can get it
// meanwhile.
class ReservedPort {
public:
    explicit ReservedPort(const Endpoint& at)
        : fd_(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        ::setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        sockaddr_storage chosen{};
        socklen_t octets = sizeof chosen;
        if (::bind(fd_, at.address(), at.address_octets()) == 0 &&
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&chosen), &octets) == 0) {
            endpoint_ = Endpoint::from(reinterpret_cast<const sockaddr*>(&chosen));
        } else {
            error_ = error_from_errno(errno, Phase::listen);
        }
    }
    ReservedPort(ReservedPort&&) = delete;
    ~ReservedPort() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    [[nodiscard]] const Error& error() const noexcept { return error_; }

private:
    int fd_;
    Endpoint endpoint_;
    Error error_;
};

int complain(const Endpoint& at, const Error& error) {
    const std::string line = at.text() + ": " + describe(error);
    std::fprintf(stderr, "%s\n", line.c_str());
    return 1;
}

Task<> drain_on_signal(http::Server& server, Duration patience) {
    const Result<int> signal = co_await wait_for_signal(SignalSet::termination());
    if (signal) {
        server.drain(patience);
    }
}

// What all loops have in common.
struct Service {
    const ServeOptions& options;
    const http::Handler& handler;
    unsigned threads;
    Endpoint at;
    std::atomic<unsigned> listening{0};
};

Task<int> serve_on(Loop& loop, Service& service) {
    const ServeOptions& options = service.options;
    const TcpAcceptorOptions how{.listen = {.share_port = service.threads > 1}};
    const Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(loop, service.at, how);
    if (!acceptor) {
        co_return complain(service.at, acceptor.error());
    }
    if (++service.listening == service.threads) {
        std::printf("listening on %s://%s\n", options.secure ? "https" : "http",
                    (*acceptor)->local().text().c_str());
        std::fflush(stdout);
    }
    http::Server server(loop, service.handler, options.server);
    server.observe(options.observer);
    const Context context = co_await this_task();
    Running<void> draining(context, drain_on_signal(server, options.drain));
    const std::unique_ptr<Acceptor> secure =
        options.secure ? options.secure(loop, **acceptor) : nullptr;
    Acceptor& accepting = secure != nullptr ? *secure : **acceptor;
    const Result<void> served = co_await server.serve(accepting);
    draining.request_stop();
    co_await draining.join();
    draining.take();
    co_return served ? 0 : complain(service.at, served.error());
}

}  // namespace

void ServeOptions::add_to(CommandLine& line) {
    line.option("--listen", "ADDR:PORT", at, "where to listen; port 0 lets the kernel choose");
    line.option("--threads", "N", threads, "loops, each on its own thread (1); 0 is one a core");
    line.option("--backend", "KIND", backend, "auto, io_uring or epoll (auto)");
}

int serve(const ServeOptions& options, const http::Handler& handler) {
    block_signals(SignalSet::termination());
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    Service service{options, handler, options.threads == 0 ? cores : options.threads, options.at};
    std::optional<ReservedPort> reserved;
    if (service.threads > 1 && options.at.port() == 0) {
        reserved.emplace(options.at);
        if (reserved->error().code != Errc::none) {
            return complain(options.at, reserved->error());
        }
        service.at = reserved->endpoint();
    }
    return run_on_threads(service.threads, options.backend,
                          [&](Loop& loop, unsigned) { return serve_on(loop, service); });
}

}  // namespace sluice::examples
