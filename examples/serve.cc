#include "sluice/examples/serve.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/listening_socket.h"
#include "sluice/runtime/proxy_acceptor.h"
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
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

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
            endpoint_ = Endpoint::from(reinterpret_cast<const sockaddr*>(&chosen), octets);
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

int complain(const std::string& where, const Error& error) {
    const std::string line = where + ": " + describe(error);
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
    int existing = -1;  // A socket that listens there, for all loops.
    std::atomic<unsigned> listening{0};
};

void tell_where(const ServeOptions& options, const Endpoint& at) {
    const char* const scheme = options.secure ? "https://" : "http://";
    std::printf("listening on %s%s\n", at.family() == AF_UNIX ? "" : scheme, at.text().c_str());
    std::fflush(stdout);
}

void tell_of_refusal(const Error& error, const Endpoint& proxy) {
    const std::string line = proxy.text() + ": no header of the PROXY protocol: " + describe(error);
    std::fprintf(stderr, "%s\n", line.c_str());
}

Task<int> serve_on(Loop& loop, Service& service) {
    const ServeOptions& options = service.options;
    const TcpAcceptorOptions how{
        .listen = {.share_port = service.threads > 1, .existing = service.existing}};
    const Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(loop, service.at, how);
    if (!acceptor) {
        co_return complain(service.at.text(), acceptor.error());
    }
    if (++service.listening == service.threads) {
        tell_where(options, (*acceptor)->local());
    }
    http::Server server(loop, service.handler, options.server);
    server.observe(options.observer);
    const Context context = co_await this_task();
    Running<void> draining(context, drain_on_signal(server, options.drain));
    std::optional<ProxyAcceptor> proxied;
    if (options.proxy_protocol) {
        proxied.emplace(loop, **acceptor, ProxyAcceptorOptions{.on_refused = tell_of_refusal});
    }
    Acceptor& plain = proxied ? static_cast<Acceptor&>(*proxied) : **acceptor;
    const std::unique_ptr<Acceptor> secure = options.secure ? options.secure(loop, plain) : nullptr;
    Acceptor& accepting = secure != nullptr ? *secure : plain;
    const Result<void> served = co_await server.serve(accepting);
    draining.request_stop();
    co_await draining.join();
    draining.take();
    co_return served ? 0 : complain(service.at.text(), served.error());
}

std::string number_of(const ListeningSocket& socket) {
    return std::to_string(socket.descriptor());
}

// Those that listen before any loop does. Sets which of them is the service's.
Result<std::vector<ListeningSocket>> listening_sockets(Service& service) {
    const ServeOptions& options = service.options;
    if (options.inherited.empty()) {
        std::vector<ListeningSocket> made;
        if (service.threads > 1 && options.at.family() == AF_UNIX) {
            Result<ListeningSocket> socket = ListeningSocket::at(options.at);
            if (!socket) {
                return failed(socket);
            }
            service.existing = socket->descriptor();
            made.push_back(std::move(*socket));
        }
        return made;
    }
    Result<std::vector<ListeningSocket>> inherited = ListeningSocket::inherited();
    if (!inherited) {
        return inherited;
    }
    auto wanted = std::ranges::find(*inherited, options.inherited, &ListeningSocket::name);
    if (wanted == inherited->end()) {
        wanted = std::ranges::find(*inherited, options.inherited, number_of);
    }
    if (wanted == inherited->end()) {
        return failure(Errc::not_found, Phase::listen);
    }
    service.existing = wanted->descriptor();
    service.at = wanted->endpoint();
    return inherited;
}

}  // namespace

void ServeOptions::add_to(CommandLine& line) {
    const auto listen = [this](std::string_view text) -> Result<void> {
        constexpr std::string_view inherits = "fd:";
        if (text.starts_with(inherits)) {
            inherited = text.substr(inherits.size());
            return inherited.empty() ? failure(Errc::invalid, Phase::listen) : Result<void>();
        }
        return keep(Endpoint::parse(text), at);
    };
    line.option("--listen", "WHERE", listen,
                "ADDR:PORT (0: any), unix:PATH, unix:@NAME, or of LISTEN_FDS fd:NAME, fd:NUMBER");
    line.flag("--proxy-protocol", proxy_protocol, "connections begin with a proxy's header");
    line.option("--threads", "N", threads, "loops, each on its own thread (1); 0 is one a core");
    line.option("--backend", "KIND", backend, "auto, io_uring or epoll (auto)");
}

int serve(const ServeOptions& options, const http::Handler& handler) {
    block_signals(SignalSet::termination());
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    Service service{options, handler, options.threads == 0 ? cores : options.threads, options.at};
    const Result<std::vector<ListeningSocket>> listening = listening_sockets(service);
    if (!listening) {
        return complain(options.inherited.empty() ? options.at.text() : "fd:" + options.inherited,
                        listening.error());
    }
    std::optional<ReservedPort> reserved;
    if (service.threads > 1 && service.existing < 0 && options.at.port() == 0) {
        reserved.emplace(options.at);
        if (reserved->error().code != Errc::none) {
            return complain(options.at.text(), reserved->error());
        }
        service.at = reserved->endpoint();
    }
    return run_on_threads(service.threads, options.backend,
                          [&](Loop& loop, unsigned) { return serve_on(loop, service); });
}

}  // namespace sluice::examples
