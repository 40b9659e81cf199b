#include "sluice/examples/foreign_loop.h"

#include "sluice/http/client.h"
#include "sluice/http/server.h"
#include "sluice/runtime/await.h"
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

TEMPLATE_TEST_CASE("foreign loop: a server and a client run on it unchanged, and it does not spin",
                   "[examples][executor]", OnUring, OnEpoll) {
    TestType world(0);
    ForeignLoop foreign(*world);
    const auto acceptor = TcpAcceptor::listen(foreign.loop(), Endpoint::loopback(0)).value();
    http::Server server(foreign.loop(), greet);
    bool served = false;
    int answers = 0;
    foreign.spawn(serve(server, *acceptor, served));
    foreign.spawn(ask(foreign.loop(), acceptor->local().port(), server, answers));
    foreign.run();
    CHECK(answers == 20);
    CHECK(served);
    CHECK(foreign.wakes() >= 20);
    CHECK(foreign.wakes() < 600);  // A handful for each of 20 exchanges and as many timers.
}

}  // namespace
}  // namespace sluice::tests
