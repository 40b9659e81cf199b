#include "sluice/http/client.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/runtime/tcp.h"
#include "sluice/runtime/transport.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/http/scripted_server.h"

#include <cerrno>
#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace sluice::http::tests {
namespace {

using namespace std::chrono_literals;

struct Refusal {
    const char* why;
    ClientRequest request;
    std::string facts;
};

Task<> refuse(ClientRig& rig, const Refusal& each) {
    Exchange exchange = rig.client().begin(each.request);
    const sluice::Result<std::string> answer = co_await read_all(exchange);
    CHECK_FALSE(answer);
    const Outcome outcome = co_await exchange.outcome();
    CHECK(facts_of(outcome) == each.facts);
    CHECK(exchange.message_error());
    CHECK(rig.ended().size() == 1);
    CHECK(rig.seen().empty());
}

TEST_CASE("client: a request that must not be sent is refused before anything happens",
          "[http][client]") {
    const std::string facts =
        "C1 0 no | application protocol none none | unassigned 0+0/0+0 of - | "
        "none none 0+0+0 of - | 1";
    const std::vector<Refusal> cases = {
        {"no URL", get("not a url"), facts},
        {"no scheme we know", get("ftp://127.0.0.1/"), facts},
        {"a method that is no token", request("GE T", "http://127.0.0.1/"), facts},
        {"a tunnel", request("CONNECT", "http://127.0.0.1/"), facts},
        {"a field that ends its line", get("http://127.0.0.1/").field("a", "b\r\nc: d"), facts},
        {"a field that frames", get("http://127.0.0.1/").field("Content-Length", "5"), facts},
        {"https, which we cannot speak", get("https://127.0.0.1/"),
         "C1 0 no | application protocol connect none | unassigned 0+0/0+0 of - | "
         "none none 0+0+0 of - | 1"},
    };
    for (const Refusal& each : cases) {
        CAPTURE(each.why);
        with_client({}, [&](ClientRig& rig) { return refuse(rig, each); });
    }
}

Task<> fail_to_connect(ClientRig& rig, std::string url, std::string facts) {
    const Instant began = rig.loop().now();
    Exchange exchange = rig.client().begin(post(url).content("abc"));
    const Outcome outcome = co_await exchange.outcome();
    CHECK(facts_of(outcome) == facts);
    CHECK(rig.loop().now() - began < 16s);
    CHECK(rig.client().connections() == 0);
}

std::string unassigned(const std::string& what) {
    return what + " | unassigned 0+0/0+0 of 3 | none none 0+0+0 of - | 1";
}

TEST_CASE("client: a connection that cannot be had is told by its reason", "[http][client]") {
    struct Reason {
        const char* why;
        const char* url;
        int connect_error;
        const char* facts;
    };
    const std::vector<Reason> reasons = {
        {"nobody listens", "http://127.0.0.1:81/", 0,
         "C2 0 never_on_wire | peer refused connect none"},
        {"no such name", "http://nowhere.example/", 0,
         "C2 0 never_on_wire | network unreachable resolve none"},
        {"no route", "http://127.0.0.1/", -EHOSTUNREACH,
         "C2 0 never_on_wire | network unreachable connect none"},
        {"reset", "http://127.0.0.1/", -ECONNRESET, "C2 0 never_on_wire | peer reset connect none"},
        {"no memory", "http://127.0.0.1/", -ENOMEM,
         "C18 0 never_on_wire | local_resource limit connect none"},
    };
    for (const Reason& reason : reasons) {
        CAPTURE(reason.why);
        const auto fault = [&](std::size_t, const Request& request) {
            return std::holds_alternative<Connect>(request) ? reason.connect_error : 0;
        };
        with_client(
            {},
            [&](ClientRig& rig) {
                return fail_to_connect(rig, reason.url, unassigned(reason.facts));
            },
            {}, {}, fault);
    }
}

Task<> get_no_descriptor(ClientRig& rig) {
    Exchange exchange = rig.client().begin(get(rig.url()));
    const Outcome outcome = co_await exchange.outcome();
    CHECK(facts_of(outcome) ==
          "C18 0 never_on_wire | local_resource limit connect none | "
          "unassigned 0+0/0+0 of - | none none 0+0+0 of - | 1");
    CHECK(outcome.cause.os_errno == EMFILE);
}

TEST_CASE("client: running out of descriptors is a local matter", "[http][client]") {
    simulation::Options world;
    world.descriptors_max = 1;  // The listener's.
    with_client({}, get_no_descriptor, {}, world);
}

Task<> connect_to_silence(Loop& loop) {
    ClientOptions options;
    options.connect_max = 3s;
    Client client(loop, options);
    {
        Exchange exchange = client.begin(get("http://10.0.0.1/"));
        const Outcome outcome = co_await exchange.outcome();
        CHECK(facts_of(outcome) ==
              "C14 0 never_on_wire | peer timeout connect connect | "
              "unassigned 0+0/0+0 of - | none none 0+0+0 of - | 1");
        CHECK(outcome.times.ended - outcome.times.queued >= 3s);
        CHECK(outcome.times.ended - outcome.times.queued < 4s);
    }
    {
        Exchange exchange = client.begin(get("http://10.0.0.1/"));
        co_await sleep_for(1s);
        exchange.abort();
        const Outcome outcome = co_await exchange.outcome();
        CHECK(facts_of(outcome) ==
              "C15 0 never_on_wire | application cancelled connect none | "
              "unassigned 0+0/0+0 of - | none none 0+0+0 of - | 1");
        CHECK(outcome.times.ended - outcome.times.queued < 2s);
    }
    co_await client.close();
}

TEST_CASE("client: connecting to silence ends by its limit, or when nobody wants it any more",
          "[http][client]") {
    simulation::SimulatedBackend backend;
    backend.make(*Endpoint::parse("10.0.0.1:80"), simulation::Reachability::silent);
    Loop loop(backend);
    block_on(loop, connect_to_silence(loop));
}

// As long a way to a connection as there is, with TLS at its end.
class SecuringConnector final : public Connector {
public:
    explicit SecuringConnector(Loop& loop) : loop_(loop), plain_(loop) {}

    Task<sluice::Result<std::unique_ptr<Transport>>> connect(std::string_view host,
                                                             std::uint16_t port,
                                                             ConnectTimes& times) override {
        co_await sleep_for(1s);
        times.resolved = loop_.now();
        ConnectTimes inner;
        sluice::Result<std::unique_ptr<Transport>> transport =
            co_await plain_.connect(host, port, inner);
        co_await sleep_for(2s);
        times.secured = transport ? loop_.now() : never;
        co_return transport;
    }

private:
    Loop& loop_;
    TcpConnector plain_;
};

Task<> connect_in_steps(Loop& loop) {
    SecuringConnector connector(loop);
    Client client(loop, connector);
    {
        Exchange exchange = client.begin(get("http://10.0.0.1/"));  // Refuses.
        const Outcome outcome = co_await exchange.outcome();
        CHECK(verdict_of(outcome) == Verdict::connect_failed);
        CHECK(outcome.times.resolved - outcome.times.queued >= 1s);
        CHECK(outcome.times.resolved - outcome.times.queued < 1100ms);
        CHECK(outcome.times.secured == never);
    }
    co_await client.close();
}

TEST_CASE("client: an outcome says when the name was resolved, also where connecting failed",
          "[http][client]") {
    simulation::SimulatedBackend backend;
    Loop loop(backend);
    block_on(loop, connect_in_steps(loop));
}

Task<> time_connections(ClientRig& rig, bool is_named) {
    SecuringConnector securing(rig.loop());
    Client client(rig.loop(), securing);
    Client plain(rig.loop());
    std::string url = rig.url();
    if (is_named) {
        url.replace(url.find("127.0.0.1"), 9, "localhost");
    }
    const Fetched first = co_await client.fetch(get(url));
    const http::Times& times = first.outcome.times;
    CHECK(verdict_of(first.outcome) == Verdict::complete);
    CHECK(times.resolved - times.queued >= 1s);
    CHECK(times.resolved - times.queued < 1100ms);
    CHECK(times.secured - times.queued >= 3s);
    CHECK(times.connected >= times.secured);
    const Fetched second = co_await client.fetch(get(url));
    CHECK(second.outcome.connection.reused());
    CHECK(second.outcome.times.resolved == never);
    CHECK(second.outcome.times.secured == never);
    const Fetched over_tcp = co_await plain.fetch(get(url));
    CHECK((over_tcp.outcome.times.resolved != never) == is_named);
    CHECK(over_tcp.outcome.times.secured == never);
    co_await client.close();
    co_await plain.close();
}

TEST_CASE(
    "client: an outcome says when the name was resolved and the connection secured, the first",
    "[http][client]") {
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for (const bool is_named : {false, true}) {
        with_client({{expect_heads(), say(answer), expect_heads(2), say(answer)},
                     {expect_heads(), say(answer)}},
                    [&](ClientRig& rig) { return time_connections(rig, is_named); });
    }
}

Task<> drop_while_connecting(Loop& loop) {
    Client client(loop);
    {
        Exchange exchange = client.begin(get("http://10.0.0.1/"));
        CHECK(exchange.so_far().send.phase == SendPhase::unassigned);
    }
    {
        Exchange exchange = client.begin(get("http://10.0.0.1/"));
        co_await yield();
    }
    co_await client.close();
}

TEST_CASE("client: an exchange may be dropped before its connection is there", "[http][client]") {
    simulation::SimulatedBackend backend;
    backend.make(*Endpoint::parse("10.0.0.1:80"), simulation::Reachability::silent);
    Loop loop(backend);
    block_on(loop, drop_while_connecting(loop));
}

}  // namespace
}  // namespace sluice::http::tests
