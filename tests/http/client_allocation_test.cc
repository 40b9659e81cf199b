#include "sluice/http/client.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/allocations.h"
#include "sluice/tests/support/on_kernel.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace sluice::http::tests {
namespace {

// Answers every request of one connection, and allocates nothing either.
Task<> answer(Transport& transport) {
    std::string response =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        "Content-Length: 5\r\n\r\nhello";
    while (true) {
        const sluice::Result<Received> received = co_await transport.receive();
        if (!received || received->empty()) {
            break;
        }
        std::array<iovec, 1> parts{iovec{response.data(), response.size()}};
        const sluice::Result<std::uint64_t> sent = co_await transport.send(parts);
        if (!sent) {
            break;
        }
    }
    co_await transport.close(Ending::orderly);
}

Task<> accept_and_answer(TcpAcceptor& acceptor) {
    sluice::Result<std::unique_ptr<Transport>> transport = co_await acceptor.accept();
    if (transport) {
        co_await answer(**transport);
    }
}

Task<> get_once(Client& client, const ClientRequest& request) {
    Exchange exchange = client.begin(request);
    sluice::Result<Response> response = co_await exchange.response();
    while (response) {
        const sluice::Result<std::span<const std::byte>> octets = co_await response->body().read();
        if (!octets || octets->empty()) {
            break;
        }
    }
    const Outcome outcome = co_await exchange.outcome();
    if (verdict_of(outcome) != Verdict::complete) {
        FAIL("an exchange was not complete");
    }
}

Task<std::uint64_t> count_allocations(Loop& loop) {
    std::unique_ptr<TcpAcceptor> acceptor =
        TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    Scope scope(loop);
    scope.spawn(accept_and_answer(*acceptor));
    Client client(loop);
    const ClientRequest request = get("http://" + acceptor->local().text() + "/");
    for (int warm_up = 0; warm_up < 100; ++warm_up) {
        co_await get_once(client, request);
    }
    const std::uint64_t before = sluice::tests::allocations();
    for (int round = 0; round < 1000; ++round) {
        co_await get_once(client, request);
    }
    const std::uint64_t counted = sluice::tests::allocations() - before;
    co_await client.close();
    co_await scope.join();
    co_await acceptor->close();
    co_return counted;
}

TEST_CASE("client: after warm-up a GET on a kept connection allocates nothing", "[http][client]") {
    sluice::tests::Kernel kernel;
    const std::uint64_t counted = kernel.run(count_allocations(kernel.loop()));
    CHECK(counted == 0);
}

}  // namespace
}  // namespace sluice::http::tests
