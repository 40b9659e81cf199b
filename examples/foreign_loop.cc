// foreign_loop [io_uring|epoll]: an HTTP server and client on an event loop that is not Sluice's.

#include "sluice/examples/foreign_loop.h"

#include "sluice/runtime/make_backend.h"
#include "sluice/sluice.h"

#include <cstdio>
#include <string_view>
#include <tuple>

using namespace sluice;

namespace {

Task<> greet(http::Request&, http::Responder& responder) {
    responder.respond(http::Status::ok, "hello from a foreign loop\n");
    co_return;
}

Task<> serve(http::Server& server, Acceptor& acceptor) {
    std::ignore = co_await server.serve(acceptor);
}

Task<> ask(Loop& loop, std::uint16_t port, http::Server& server) {
    http::Client client(loop);
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
    for (int number = 0; number < 3; ++number) {
        const http::Fetched fetched = co_await client.fetch(http::get(url));
        std::printf("%s: %s", http::sentence(fetched.outcome).c_str(), fetched.content.c_str());
        co_await sleep_for(std::chrono::milliseconds(10));
    }
    co_await client.close();
    server.drain(std::chrono::seconds(1));
}

}  // namespace

int main(int argc, char** argv) {
    const Result<BackendKind> kind = parse_backend_kind(argc > 1 ? argv[1] : "auto");
    const Result<OwnedBackend> backend = make_backend(kind.value_or(BackendKind::automatic));
    if (!backend) {
        std::fprintf(stderr, "%s\n", describe(backend.error()).c_str());
        return 1;
    }
    examples::ForeignLoop foreign(**backend);
    const auto acceptor = TcpAcceptor::listen(foreign.loop(), Endpoint::loopback(0));
    if (!acceptor) {
        std::fprintf(stderr, "%s\n", describe(acceptor.error()).c_str());
        return 1;
    }
    http::Server server(foreign.loop(), greet);
    foreign.spawn(serve(server, **acceptor));
    foreign.spawn(ask(foreign.loop(), (*acceptor)->local().port(), server));
    foreign.run();
    std::printf("%s, woken %llu times\n", std::string((*backend)->name()).c_str(),
                static_cast<unsigned long long>(foreign.wakes()));
    return 0;
}
