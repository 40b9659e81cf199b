// A monorepo's program that speaks TLS, by the monorepo's own OpenSSL.

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "sluice/sluice.h"
#include "sluice/tls/own_certificate.h"

#ifndef CONSUMERS_OPENSSL
#error "Sluice was built with another OpenSSL than that of //openssl"
#endif

using namespace sluice;

Task<> say_hello(http::Request&, http::Responder& responder) {
    responder.respond(http::Status::ok, "hello\n");
    co_return;
}

SLUICE_MAIN(Loop& loop) {
    const std::optional<tls::Identity> identity =
        tls::make_own_certificate(std::getenv("TEST_TMPDIR"));
    if (!identity) {
        co_return 1;
    }
    const auto theirs = tls::ServerContext::create({.identity = *identity});
    const auto ours = tls::ClientContext::create({.trust_file = identity->certificate_file});
    const Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(loop, Endpoint::loopback(0));
    if (!theirs || !ours || !acceptor) {
        co_return 1;
    }
    tls::TlsAcceptor secure(loop, **acceptor, *theirs);
    http::Server server(loop, say_hello);
    const Context context = co_await this_task();
    Running<Result<void>> serving(context, server.serve(secure));
    http::Client client(loop, {.https = tls::https(*ours)});
    const http::Fetched fetched =
        co_await client.fetch(http::get("https://" + (*acceptor)->local().text() + "/"));
    co_await client.close();
    server.drain(std::chrono::seconds(1));
    co_await serving.join();
    const Result<void> served = serving.take();
    co_return served&& fetched.content == "hello\n" ? 0 : 1;
}
