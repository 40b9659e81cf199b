#include "sluice/examples/foreign_loop.h"

#include "sluice/http/client.h"
#include "sluice/http/server.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/runtime/contract.h"

#include <chrono>
#include <string>

namespace sluice::tests {
namespace {

using examples::ForeignLoop;
using std::chrono::milliseconds;

Task<> greet(http::Request& request, http::Responder& responder) {
    const Context context = co_await this_task();
    co_await sleep_until(context.loop->now() + milliseconds(2));
    responder.respond(http::Status::ok, request.target());
}

Task<> serve(http::Server& server, Acceptor& acceptor, bool& served) {
    const Result<void> result = co_await server.serve(acceptor);
    served = result.has_value();
}

Task<> ask(Loop& loop, std::uint16_t port, http::Server& server, int& answers) {
    http::Client client(loop);
    for (int number = 0; number < 20; ++number) {
        const std::string target = "/" + std::to_string(number);
        const std::string url = "http://127.0.0.1:" + std::to_string(port) + target;
        const http::Fetched fetched = co_await client.fetch(http::get(url));
        answers += fetched.content_is_whole && fetched.content == target ? 1 : 0;
    }
    co_await client.close();
    server.drain(std::chrono::seconds(1));
}

struct Seen {
    int answers = 0;
    bool served = false;
};

// Of the executor it knows nothing but the loop.
Task<> serve_and_ask(Loop& loop, Seen& seen) {
    const auto acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    http::Server server(loop, greet);
    Scope scope(loop);
    scope.spawn(serve(server, *acceptor, seen.served));
    scope.spawn(ask(loop, acceptor->local().port(), server, seen.answers));
    co_await scope.join();
}

TEMPLATE_TEST_CASE("foreign loop: a server and a client run on it unchanged, and it does not spin",
                   "[examples][executor]", OnUring, OnEpoll) {
    TestType world(0);
    ForeignLoop foreign(*world);
    Seen seen;
    foreign.spawn(serve_and_ask(foreign.loop(), seen));
    foreign.run();
    CHECK(seen.answers == 20);
    CHECK(seen.served);
    CHECK(foreign.wakes() >= 20);
    CHECK(foreign.wakes() < 600);  // A handful for each of 20 exchanges and as many timers.
}

TEST_CASE("foreign loop: what runs on it runs in the simulator, unchanged",
          "[examples][executor]") {
    Seen seen;
    simulation::run({}, [&](simulation::World& world) { return serve_and_ask(world.loop, seen); });
    CHECK(seen.answers == 20);
    CHECK(seen.served);
}

}  // namespace
}  // namespace sluice::tests
