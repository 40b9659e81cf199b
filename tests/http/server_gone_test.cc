// On the real kernel, where several completions come in one turn of the loop.

#include "sluice/http/server.h"

#include "sluice/http/outcome_observer.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/support/on_kernel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::Outcome;
using http::Request;
using http::Responder;

class Told final : public http::OutcomeObserver {
public:
    void exchange_ended(const Outcome& outcome) override { outcomes.push_back(outcome); }

    std::vector<Outcome> outcomes;
};

struct Handled {
    Event reading;  // Some content was read, and more is waited for.
    bool was_stopped = false;
    std::size_t octets = 0;
};

Task<> read_and_wait(Handled& handled, Request& request, Responder&) {
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        CHECK(content);
        handled.octets += content ? content->size() : 0;
        handled.reading.set();
    }
    const bool passed = co_await sleep_for(std::chrono::seconds(10));
    handled.was_stopped = !passed;
}

void send(int fd, std::string_view octets) {
    REQUIRE(::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(octets.size()));
}

Task<> serve(http::Server& server, Acceptor& acceptor) {
    const Result<void> served = co_await server.serve(acceptor);
    CHECK(served);
}

Task<bool> upload_and_go(Loop& loop) {
    const Context context = co_await this_task();
    Handled handled;
    Told told;
    http::Server server(loop,
                        [&](Request& request, Responder& responder) {
                            return read_and_wait(handled, request, responder);
                        },
                        {.fin_is_gone = true});
    server.observe(&told);
    Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(loop, Endpoint::loopback(0));
    REQUIRE(acceptor);
    const Endpoint at = (*acceptor)->local();
    Scope serving(context);
    serving.spawn(serve(server, **acceptor));

    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd, at.address(), at.address_octets()) == 0);
    send(fd, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    co_await handled.reading.wait();
    co_await yield();  // The handler waits for the rest.
    send(fd, "56789");
    ::shutdown(fd, SHUT_WR);
    server.drain(std::chrono::seconds(20));
    co_await serving.join();
    ::close(fd);

    CHECK(handled.octets == 10);
    CHECK(handled.was_stopped);
    REQUIRE(told.outcomes.size() == 1);
    CHECK(http::id(http::verdict_of(told.outcomes.front())) == "S5");
    CHECK(told.outcomes.front().receive.phase == http::ReceivePhase::complete);
    co_return true;
}

TEST_CASE("S5: a handler is told of a client that went in the moment in which its last octets came",
          "[http][outcome][kernel]") {
    Kernel kernel;
    CHECK(kernel.run(upload_and_go(kernel.loop())));
}

}  // namespace
}  // namespace sluice::tests
