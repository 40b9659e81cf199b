// Of handshakes whose steps are done on worker threads.

#include "sluice/runtime/await.h"
#include "sluice/tests/support/on_kernel.h"
#include "sluice/tests/tls/asking.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Asking;
using tests::Connected;
using tests::Ends;
using tests::House;
using tests::Serving;
using tls::ServerContext;

constexpr tls::TlsAcceptorOptions on_workers{.handshakes_on_workers = true};

Task<> exchange(Loop& loop) {
    Serving serving(loop, House::instance().server_context, on_workers);
    tests::Connecting connecting(loop);
    const std::string octets(50'000, 'x');
    for (const bool is_second : {false, true}) {
        Ends ends = co_await tests::connect(serving, connecting);
        auto [up, at_server] = co_await when_all(tests::send(*ends.client, octets),
                                                 tests::receive_all(*ends.server, octets.size()));
        auto [down, at_client] = co_await when_all(tests::send(*ends.server, octets),
                                                   tests::receive_all(*ends.client, octets.size()));
        CHECK(up == octets.size());
        CHECK(down == octets.size());
        CHECK(at_server.octets == octets);
        CHECK(at_client.octets == octets);
        CHECK(ends.server->security()->is_resumed == is_second);
        co_await ends.client->close(Ending::orderly);
        co_await ends.server->close(Ending::orderly);
    }
    co_await serving.acceptor().close();
}

TEST_CASE("a handshake on a worker: both ends are as after any other", "[tls][workers]") {
    simulation::run({}, [](const simulation::World& world) { return exchange(world.loop); });
    simulation::run(simulation::faulty(3),
                    [](const simulation::World& world) { return exchange(world.loop); });
    tests::Kernel kernel;
    kernel.run(exchange(kernel.loop()));
}

// A server that takes its time to choose, until the loop has done something else meanwhile.
struct SlowChoice {
    std::atomic<bool> begun = false;
    std::promise<void> loop_went_on;
    std::thread::id thread;
    bool was_told = false;
};

Task<bool> go_on(SlowChoice& choice) {
    while (!choice.begun) {
        co_await sleep_for(std::chrono::milliseconds(1));
    }
    choice.loop_went_on.set_value();
    co_return true;
}

Task<> choose_slowly(Loop& loop, SlowChoice& choice) {
    tls::ServerOptions options = House::instance().server_options();
    options.choose = [&](std::string_view) {
        choice.begun = true;
        choice.thread = std::this_thread::get_id();
        choice.was_told = choice.loop_went_on.get_future().wait_for(std::chrono::seconds(5)) ==
                          std::future_status::ready;
        return std::optional<tls::ServerCertificate>();
    };
    Serving serving(loop, ServerContext::create(options).value(), on_workers);
    Asking asking(loop);
    asking.here().listens_at(serving.port());
    ConnectTimes times;
    auto [client, server, went_on] =
        co_await when_all(asking.connector().connect("server.example", 443, times),
                          serving.acceptor().accept(), go_on(choice));
    CHECK(went_on);
    REQUIRE(client);
    REQUIRE(server);
    co_await (*client)->close(Ending::orderly);
    co_await (*server)->close(Ending::orderly);
    co_await serving.acceptor().close();
}

TEST_CASE("a handshake on a worker: holds up no loop, however long it takes", "[tls][workers]") {
    SlowChoice choice;
    tests::Kernel kernel;
    kernel.run(choose_slowly(kernel.loop(), choice));
    CHECK(choice.was_told);
    CHECK(choice.thread != std::this_thread::get_id());
}

Task<> refuse(Loop& loop) {
    tls::ServerOptions options = House::instance().server_options();
    options.protocols = {"nothing/1"};
    Serving serving(loop, ServerContext::create(options).value(), on_workers);
    Asking asking(loop);
    const tests::Learnt learnt = co_await ask_as(serving, asking, "server.example");
    CHECK(learnt.error.code == Errc::alert_received);
    CHECK(static_cast<Alert>(learnt.error.tls) == Alert::no_application_protocol);
    CHECK(serving.acceptor().failures() == 1);
    co_await serving.acceptor().close();
}

TEST_CASE("a handshake on a worker: who is refused there is told why", "[tls][workers]") {
    simulation::run({}, [](const simulation::World& world) { return refuse(world.loop); });
    tests::Kernel kernel;
    kernel.run(refuse(kernel.loop()));
}

}  // namespace
}  // namespace sluice
