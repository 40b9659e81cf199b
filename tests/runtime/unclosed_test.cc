// What becomes of transports and acceptors that are destroyed without close().

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/epoll_backend.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/runtime/tcp.h"
#include "sluice/runtime/uring_backend.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/death.h"
#include "sluice/tests/support/forwarding_backend.h"
#include "sluice/tests/support/said.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sluice::tests {

// Counts what a destructor must not do, and what it must bring about.
class Counting final : public ForwardingBackend {
public:
    using ForwardingBackend::ForwardingBackend;

    void wait(Instant until) noexcept override {
        ++waits;
        real().wait(until);
    }
    void close(int fd, Ending ending) noexcept override {
        ++closed;
        real().close(fd, ending);
    }

    std::size_t waits = 0;
    std::size_t closed = 0;
};

struct Ends {
    std::unique_ptr<Transport> client;
    std::unique_ptr<Transport> server;
};

// Named, and so found in what is said by its name.
Task<Ends> forgetful_connect(Loop& loop, Acceptor& acceptor) {
    TcpConnector connector(loop);
    ConnectTimes times;
    auto client = co_await connector.connect("127.0.0.1", acceptor.local().port(), times);
    auto server = co_await acceptor.accept();
    Ends ends{std::move(client).value(), std::move(server).value()};
    co_return ends;
}

Task<Ends> forgetful_connect_here(Loop& loop) {
    const auto acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    Ends ends = co_await forgetful_connect(loop, *acceptor);
    co_await acceptor->close();
    co_return ends;
}

namespace {

std::size_t count(std::string_view text, std::string_view wanted) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(wanted, at)) != std::string_view::npos; ++at) {
        ++found;
    }
    return found;
}

// A loop and the backend behind it; the destructor has the loop close what is left.
template <typename Real>
class World {
public:
    Counting& backend() noexcept { return backend_; }
    Loop& loop() noexcept { return *loop_; }
    void end() { loop_.reset(); }

private:
    static auto made() {
        if constexpr (std::is_same_v<Real, simulation::SimulatedBackend>) {
            return std::make_unique<Real>();
        } else {
            return Real::create().value();
        }
    }

    std::unique_ptr<Real> real_ = made();
    Counting backend_{*real_};
    std::optional<Loop> loop_{std::in_place, backend_};
};

Task<> destroy_one_end(Loop& loop, Counting& backend) {
    Ends ends = co_await forgetful_connect_here(loop);
    // Both have a receive under way.
    CHECK_FALSE(ends.client->try_receive().has_value());
    CHECK_FALSE(ends.server->try_receive().has_value());
    co_await yield();
    const std::size_t waits = backend.waits;
    ends.server.reset();
    CHECK(backend.waits == waits);

    const Result<Received> received = co_await ends.client->receive();
    REQUIRE_FALSE(received.has_value());
    CHECK(received.error().code == Errc::reset);
    co_await ends.client->close(Ending::orderly);
}

TEMPLATE_TEST_CASE("transport: one that is destroyed unclosed does not wait, and is reset",
                   "[runtime][tcp][close]", simulation::SimulatedBackend, UringBackend,
                   EpollBackend) {
    World<TestType> world;
    const std::string said =
        said_while([&] { block_on(world.loop(), destroy_one_end(world.loop(), world.backend())); });
    CHECK(world.backend().closed == 3);
    world.end();
    CAPTURE(said);
    CHECK(count(said, "destroyed unclosed") <= 1);  // In each process once, for all backends.
}

Task<> destroy_a_hundred(Loop& loop) {
    for (int number = 0; number < 100; ++number) {
        Ends ends = co_await forgetful_connect_here(loop);
        co_await ends.client->close(Ending::orderly);
    }
}

TEST_CASE("transport: that it was destroyed unclosed is said once, with whom it was made for",
          "[runtime][tcp][close]") {
    World<UringBackend> world;
    const std::string said =
        said_while([&] { block_on(world.loop(), destroy_a_hundred(world.loop())); });
    world.end();
    CHECK(world.backend().closed == 300);
    CAPTURE(said);
    CHECK(count(said, "\n") == 1);
    CHECK(count(said,
                "Made by sluice::TcpAcceptor::accept, for sluice::tests::forgetful_connect, "
                "for sluice::tests::forgetful_connect_here, for ") == 1);
    CHECK(count(said, "destroy_a_hundred") == 1);
}

Task<> destroy_at_the_end(Loop& loop) {
    const auto acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    Ends ends = co_await forgetful_connect(loop, *acceptor);
    CHECK_FALSE(ends.client->try_receive().has_value());
}

TEMPLATE_TEST_CASE("loop: what was destroyed unclosed is closed before the loop ends",
                   "[runtime][loop][close]", simulation::SimulatedBackend, UringBackend,
                   EpollBackend) {
    World<TestType> world;
    const std::string said =
        said_while([&] { block_on(world.loop(), destroy_at_the_end(world.loop())); });
    world.end();
    CHECK(world.backend().closed == 3);
    CAPTURE(said);
    CHECK(count(said, "an acceptor at 127.0.0.1:") == 1);
    CHECK(count(said, "unclosed_test.cc:") == 1);
}

Task<> destroy_while_it_is_read(Loop& loop) {
    Ends ends = co_await forgetful_connect_here(loop);
    Event& input = ends.server->input_changed();
    auto destroy = [](Ends& both) -> Task<> {
        both.server.reset();
        co_return;
    };
    Scope destroying(loop);
    destroying.spawn(destroy(ends));
    co_await input.wait();
    co_await destroying.join();
}

TEST_CASE("transport: destroying it while a task uses it is named, and ends the process",
          "[runtime][tcp][close]") {
    const std::optional<std::string> said = death_of([] {
        World<EpollBackend> world;
        block_on(world.loop(), destroy_while_it_is_read(world.loop()));
    });
    REQUIRE(said);
    CHECK(said->find("a TcpTransport was destroyed while it is read") != std::string::npos);
}

}  // namespace
}  // namespace sluice::tests
