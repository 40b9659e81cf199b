// The server on the real kernel, and a client that allocates nothing either: what is counted is the
// server's.

#include "sluice/http/server.h"

#include "sluice/runtime/scope.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/support/allocations.h"
#include "sluice/tests/support/on_kernel.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

// Under AddressSanitizer every coroutine frame is the heap's own.
// Reads everything, and says so in two lines.
Task<> handle(http::Request& request, http::Responder& responder) {
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        if (!content) {
            co_return;
        }
    }
    responder.fields().add("Content-Type", "text/plain");
    responder.respond(http::Status::ok, "hello, world\n");
}

// Sends `batch`, and waits for its answers; `times` times.
Task<> ask(Transport& transport, std::string_view batch, std::uint64_t answer_octets, int times) {
    for (int count = 0; count < times; ++count) {
        iovec part{const_cast<char*>(batch.data()), batch.size()};
        const Result<std::uint64_t> sent = co_await transport.send(std::span(&part, 1));
        std::uint64_t octets = 0;
        while (sent && octets < answer_octets) {
            const Result<Received> received = co_await transport.receive();
            if (!received || received->empty()) {
                FAIL("the connection ended");
            }
            octets += received->size();
        }
    }
}

struct Load {
    std::string_view why;
    std::string request;
    int depth;
};

Task<> serve(http::Server& server, Acceptor& acceptor) {
    const Result<void> served = co_await server.serve(acceptor);
    CHECK(served);
}

Task<std::uint64_t> allocations_under(Loop& loop, const Load& load) {
    http::Server server(loop, handle);
    std::unique_ptr<TcpAcceptor> acceptor =
        TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    Scope scope(loop);
    scope.spawn(serve(server, *acceptor));
    TcpConnector connector(loop);
    const std::uint16_t port = acceptor->local().port();
    ConnectTimes times;
    Result<std::unique_ptr<Transport>> transport =
        co_await connector.connect("127.0.0.1", port, times);
    REQUIRE(transport);

    std::string batch;
    for (int count = 0; count < load.depth; ++count) {
        batch.append(load.request);
    }
    constexpr std::string_view answer =
        "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nContent-Type: text/plain\r\n"
        "Content-Length: 13\r\n\r\nhello, world\n";
    const std::uint64_t octets = answer.size() * static_cast<std::uint64_t>(load.depth);
    co_await ask(**transport, batch, octets, 200);
    const std::uint64_t before = allocations();
    co_await ask(**transport, batch, octets, 10'000 / load.depth);
    const std::uint64_t counted = allocations() - before;

    co_await (*transport)->close(Ending::orderly);
    server.drain(std::chrono::seconds(10));
    co_await scope.join();
    co_return counted;
}

TEST_CASE("server: after warm-up a request allocates nothing", "[http][server][memory]") {
    const std::string get = "GET /film HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nUser-Agent: x\r\n\r\n";
    const Load loads[] = {
        {"one at a time", get, 1},
        {"pipelined", get, 16},
        {"content by length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 1},
        {"chunked content",
         "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
         4},
    };
    for (const Load& load : loads) {
        CAPTURE(load.why);
        Kernel kernel;
        const std::uint64_t counted = kernel.run(allocations_under(kernel.loop(), load));
        CHECK(counted == 0);
    }
}

}  // namespace
}  // namespace sluice::tests
