// A monorepo's program that speaks no TLS: its own http/client.h beside Sluice's.

#include <chrono>
#include <memory>
#include <string>

#include "http/client.h"
#include "sluice/sluice.h"

using namespace sluice;

Task<> say_hello(http::Request&, http::Responder& responder) {
    responder.respond(http::Status::ok, "hello\n");
    co_return;
}

SLUICE_MAIN(Loop& loop) {
    const Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(loop, Endpoint::loopback(0));
    if (!acceptor) {
        co_return acceptor.error();
    }
    http::Server server(loop, say_hello);
    const Context context = co_await this_task();
    Running<Result<void>> serving(context, server.serve(**acceptor));
    http::Client client(loop);
    const http::Fetched fetched =
        co_await client.fetch(http::get("http://" + (*acceptor)->local().text() + "/"));
    co_await client.close();
    server.drain(std::chrono::seconds(1));
    co_await serving.join();
    const Result<void> served = serving.take();
    co_return served&& fetched.content == "hello\n" && consumer::own_client == 1 ? 0 : 1;
}
