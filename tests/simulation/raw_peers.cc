#include "sluice/tests/simulation/raw_peers.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/tcp.h"

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace sluice::campaign {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::uint16_t port = 80;

Task<bool> send_all(Transport& transport, const std::string& octets) {
    std::string copy = octets;
    iovec part{copy.data(), copy.size()};
    const Result<std::uint64_t> sent = co_await transport.send(std::span(&part, 1));
    co_return sent.has_value();
}

// Up to the peer's end, or until a text has come; or until it takes too long.
Task<bool> receive_until(Transport& transport, std::string_view last, std::string& octets) {
    while (last.empty() || octets.find(last) == std::string::npos) {
        const Result<Received> received = co_await with_timeout(minutes(10), transport.receive());
        if (!received || received->empty()) {
            co_return false;
        }
        const std::span<const std::byte> piece = received->octets();
        octets.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }
    co_return true;
}

std::string some_answer(Random& random) {
    const std::string content = content_of(random.below(1000), random.below(3000));
    const std::string length = "Content-Length: " + std::to_string(content.size()) + "\r\n";
    switch (random.below(10)) {
        case 0: return "HTTP/1.1 200 OK\r\n\r\n" + content;  // Ends with its connection.
        case 1: return "HTTP/1.0 200 OK\r\n\r\n" + content;
        case 2: return "HTTP/1.1 200 OK\r\n" + length + "\r\n" + content;
        case 3: return "HTTP/1.1 200 OK\r\n" + length + "\r\n" + content.substr(content.size() / 2);
        case 4: return "HTTP/1.1 20x what?\r\n\r\n";
        case 5: return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
        case 6: return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel";
        case 7: return "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 O";
        case 8: return "HTTP/1.1 200 OK\r\n" + length + "\r\n" + content + "HTTP/1.1 200 OK\r\n";
        default: return {};
    }
}

std::string some_requests(World& world, Random& random) {
    const std::string host = " HTTP/1.1\r\nHost: a\r\n";
    switch (random.below(8)) {
        case 0: return {};
        case 1: return "GET /e/999" + host;  // Without its end.
        case 2: return "GET what\r\n\r\n";
        case 3: return "GET /e/999" + host + "A: " + std::string(40'000, 'a') + "\r\n\r\n";
        case 4: return "PUT /e/999" + host + "Content-Length: 1000\r\n\r\nhello";
        case 5:
            return "PUT /e/999" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n";
        default: break;
    }
    std::string requests;
    Pipelined& pipelined = world.evidence.pipelined.emplace_back();
    const std::uint64_t count = random.between(1, 6);
    for (std::uint64_t index = 0; index < count; ++index) {
        const auto number = static_cast<std::uint32_t>(pipelined_from + random.below(1000));
        pipelined.asked.push_back(number);
        requests.append("GET /e/").append(std::to_string(number)).append(host).append("\r\n");
    }
    return requests;
}

}  // namespace

Task<> RawServer::serve(std::string_view at) {
    // Half of them never say goodbye.
    Evidence& evidence = world_.evidence;
    Listening acceptor(world_.loop, at, world_.script, world_.tls, evidence.raw_server_ports,
                       world_.script.seed % 2 == 0);
    while (true) {
        Result<std::unique_ptr<Transport>> transport = co_await acceptor.accept();
        if (!transport) {
            break;
        }
        evidence.raw_ports.insert((*transport)->peer().port());
        scope_.spawn(answer(std::move(*transport)));
    }
    co_await acceptor.close();
    scope_.request_stop();
    co_await scope_.join();
}

Task<> RawServer::answer(std::unique_ptr<Transport> transport) {
    std::string request;
    const bool is_asked = co_await receive_until(*transport, "\r\n\r\n", request);
    if (is_asked) {
        if (world_.random.chance(20)) {
            co_await sleep_for(minutes(world_.random.below(3)));
        }
        co_await send_all(*transport, some_answer(world_.random));
    }
    co_await transport->close(world_.random.chance(15) ? Ending::reset : Ending::orderly);
}

Task<> visit_rudely(World& world, std::string host) {
    ConnectTimes times;
    TcpConnector tcp(world.loop);
    std::unique_ptr<Connector> tls;
    // Over TLS some speak none.
    if (world.tls != nullptr && world.random.chance(70)) {
        tls = world.tls->layer()(world.loop, tcp);
    }
    Connector& connector = tls != nullptr ? *tls : tcp;
    Result<std::unique_ptr<Transport>> connected = co_await connector.connect(host, port, times);
    if (!connected) {
        co_return;
    }
    Transport& transport = **connected;
    world.evidence.raw_ports.insert(transport.local().port());
    const std::size_t before = world.evidence.pipelined.size();
    const std::string requests = some_requests(world, world.random);
    co_await send_all(transport, requests);
    if (world.random.chance(30)) {
        co_await sleep_for(minutes(world.random.below(5)));
    }
    if (world.random.chance(40)) {
        std::ignore = co_await transport.shut_down_sending();
    }
    std::string answers;
    if (world.random.chance(80)) {
        const std::string_view end_of_stream;
        co_await receive_until(transport, end_of_stream, answers);
    }
    if (world.evidence.pipelined.size() > before) {
        world.evidence.pipelined[before].answers = std::move(answers);
    }
    co_await transport.close(world.random.chance(30) ? Ending::reset : Ending::orderly);
}

}  // namespace sluice::campaign
