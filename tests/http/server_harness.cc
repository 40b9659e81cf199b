#include "sluice/tests/http/server_harness.h"

#include "sluice/http/outcome_observer.h"
#include "sluice/http/server.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/runtime/tcp.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice::tests {

namespace {

class Recorder final : public http::OutcomeObserver {
public:
    Recorder(Played& played, bool wants_rises) : played_(played), wants_rises_(wants_rises) {}

    void exchange_ended(const http::Outcome& outcome) override {
        played_.outcomes.push_back(outcome);
    }
    [[nodiscard]] bool wants_rises() const noexcept override { return wants_rises_; }
    void delivery_rose(const http::Outcome& outcome) override { played_.rises.push_back(outcome); }

private:
    Played& played_;
    bool wants_rises_;
};

// What the clients share.
struct Stage {
    Loop& loop;
    http::Server& server;
    StopSource& serving;
    Played& played;
    std::uint16_t port;
    const Layers& layers;
};

class Client {
public:
    Client(Stage& stage, ClientSaw& saw) noexcept : stage_(stage), saw_(saw) {}

    static Task<> act(Stage& stage, const Script& script, ClientSaw& saw);

private:
    Task<> perform(const Send& step);
    Task<> perform(const Receive& step);
    Task<> perform(const ReceiveUntil& step);
    Task<> perform(const ReceiveRest& step);
    Task<> perform(const ReceiveSlowly& step);
    Task<> perform(const SendAndReceive& step);
    Task<> perform(const Wait& step);
    Task<> perform(const HalfClose& step);
    Task<> perform(const Close& step);
    Task<> perform(const Reset& step);
    Task<> perform(const Drain& step);
    Task<> perform(const StopServer& step);

    // Whether there may be more.
    Task<bool> receive_some();

    Stage& stage_;
    ClientSaw& saw_;
    std::unique_ptr<Transport> transport_;
};

Task<> Client::act(Stage& stage, const Script& script, ClientSaw& saw) {
    Client client(stage, saw);
    TcpConnector tcp(stage.loop);
    const std::unique_ptr<Connector> over =
        stage.layers.over_connector ? stage.layers.over_connector(stage.loop, tcp) : nullptr;
    Connector& connector = over != nullptr ? *over : tcp;
    ConnectTimes times;
    Result<std::unique_ptr<Transport>> connected =
        co_await connector.connect("127.0.0.1", stage.port, times);
    saw.connected = connected.has_value();
    if (over != nullptr && !connected) {
        co_return;
    }
    REQUIRE(connected);
    client.transport_ = std::move(*connected);
    for (const Step& step : script) {
        Task<> performing =
            std::visit([&](const auto& each) { return client.perform(each); }, step);
        co_await performing;
        const std::size_t open = stage.server.connections();
        stage.played.connections_most = std::max(stage.played.connections_most, open);
    }
    co_await client.transport_->close(Ending::orderly);
}

Task<> Client::perform(const Send& step) {
    std::string octets = step.octets;
    iovec part{octets.data(), octets.size()};
    const Result<std::uint64_t> sent = co_await transport_->send(std::span(&part, 1));
    saw_.sent += sent ? *sent : sent.error().octets_done;
}

Task<bool> Client::receive_some() {
    Result<Received> received = co_await transport_->receive();
    saw_.end = transport_->peer_end();
    if (!received || received->empty()) {
        saw_.read_to_end = true;
        co_return false;
    }
    saw_.octets.append(reinterpret_cast<const char*>(received->octets().data()), received->size());
    co_return true;
}

Task<> Client::perform(const Receive& step) {
    bool more = true;
    while (more && saw_.octets.size() < step.octets) {
        more = co_await receive_some();
    }
}

Task<> Client::perform(const ReceiveUntil& step) {
    bool more = true;
    while (more && saw_.octets.find(step.text) == std::string::npos) {
        more = co_await receive_some();
    }
}

Task<> Client::perform(const ReceiveRest&) {
    bool more = true;
    while (more) {
        more = co_await receive_some();
    }
}

Task<> Client::perform(const ReceiveSlowly& step) {
    bool more = true;
    while (more) {
        co_await sleep_for(step.pause);
        more = co_await receive_some();
    }
}

// when_all() wants a result.
Task<bool> whole(Task<> task) {
    co_await task;
    co_return true;
}

Task<> Client::perform(const SendAndReceive& step) {
    const Send send{step.octets};
    const ReceiveRest rest;
    co_await when_all(whole(perform(send)), whole(perform(rest)));
}

Task<> Client::perform(const Wait& step) {
    co_await sleep_for(step.duration);
}

Task<> Client::perform(const HalfClose&) {
    const Result<void> shut = co_await transport_->shut_down_sending();
    CHECK(shut);
}

Task<> Client::perform(const Close&) {
    co_await transport_->close(Ending::orderly);
}

Task<> Client::perform(const Reset&) {
    co_await transport_->close(Ending::reset);
}

Task<> Client::perform(const Drain& step) {
    stage_.server.drain(step.patience);
    co_return;
}

Task<> Client::perform(const StopServer&) {
    stage_.serving.request();
    co_return;
}

Task<> serve(http::Server& server, Acceptor& acceptor, StopSource& stop, Played& played) {
    const Context context = co_await this_task();
    Under<Result<void>> serving(&stop, server.serve(acceptor));
    played.served = co_await serving;
    played.served_at = context.loop->now();
}

// What is on its way arrives.
Task<> settle(const http::Server& server) {
    constexpr Duration pause = std::chrono::milliseconds(10);
    Duration patience = std::chrono::seconds(1);
    do {
        co_await sleep_for(pause);
        patience -= pause;
    } while (patience > Duration::zero() && server.connections() > 0);
}

Task<Played> perform(Loop& loop, Endpoint at, const Scene& scene) {
    const Context context = co_await this_task();
    Played played;
    played.clients.resize(scene.clients.size());
    Recorder recorder(played, scene.wants_rises);
    http::Server server(loop, scene.handler, scene.options);
    server.observe(&recorder);
    Result<std::unique_ptr<TcpAcceptor>> acceptor = TcpAcceptor::listen(loop, at);
    REQUIRE(acceptor);
    const std::uint16_t port = (*acceptor)->local().port();
    StopSource stop;
    Scope serving(context);
    const std::unique_ptr<Acceptor> over =
        scene.layers.over_acceptor ? scene.layers.over_acceptor(loop, **acceptor) : nullptr;
    Acceptor& accepting = over != nullptr ? *over : **acceptor;
    serving.spawn(serve(server, accepting, stop, played));

    Stage stage{loop, server, stop, played, port, scene.layers};
    Scope clients(context);
    for (std::size_t index = 0; index < scene.clients.size(); ++index) {
        clients.spawn(Client::act(stage, scene.clients[index], played.clients[index]));
    }
    co_await clients.join();
    co_await settle(server);
    server.drain(std::chrono::hours(1));
    co_await serving.join();
    CHECK(server.connections() == 0);
    co_return played;
}

void check_books(const Scene& scene, const Played& played) {
    std::uint64_t accepted = 0;
    std::uint64_t received = 0;
    for (const http::Outcome& outcome : played.outcomes) {
        const http::SendFacts& send = outcome.send;
        const http::ReceiveFacts& receive = outcome.receive;
        CHECK(outcome.side == http::Side::server);
        CHECK(send.body_accepted <= send.body_offered);
        CHECK(send.acknowledged.value_or(0) <= send.wire_accepted());
        CHECK(receive.discarded <= receive.body);
        CHECK(outcome.times.ended != never);
        CHECK(outcome.times.queued <= outcome.times.ended);
        accepted += send.wire_accepted();
        received += receive.wire();
    }
    for (const http::Outcome& rise : played.rises) {
        const auto before =
            std::ranges::find(played.outcomes, rise.exchange_id, &http::Outcome::exchange_id);
        REQUIRE(before != played.outcomes.end());
        CHECK(http::delivery_of(rise) > http::delivery_of(*before));
        CHECK(rise.send.wire_accepted() == before->send.wire_accepted());
        CHECK(rise.times.ended == before->times.ended);
    }
    std::uint64_t seen = 0;
    std::uint64_t sent = 0;
    bool all_read_to_fin = true;
    for (const ClientSaw& client : played.clients) {
        seen += client.octets.size();
        sent += client.sent;
        all_read_to_fin &= client.read_to_end && client.end == PeerEnd::fin;
    }
    CHECK(seen <= accepted);
    CHECK(received <= sent);
    if (all_read_to_fin && scene.is_lossless) {
        CHECK(seen == accepted);
    }
}

}  // namespace

std::string Played::answers() const {
    REQUIRE(clients.size() == 1);
    return without_dates(clients.front().octets);
}

std::string Played::ids() const {
    std::string ids;
    for (const http::Outcome& each : outcomes) {
        ids.append(ids.empty() ? "" : " ").append(http::id(http::verdict_of(each)));
    }
    return ids;
}

const http::Outcome& Played::outcome() const {
    REQUIRE(outcomes.size() == 1);
    return outcomes.front();
}

Played play(const Scene& scene) {
    return simulation::run(scene.world, [&](const simulation::World& world) {
        return play_on(world.loop, Endpoint::loopback(80), scene);
    });
}

Task<Played> play_on(Loop& loop, Endpoint at, const Scene& scene) {
    Played played = co_await perform(loop, at, scene);
    check_books(scene, played);
    co_return played;
}

std::string without_dates(std::string_view octets) {
    constexpr std::string_view name = "Date: ";
    constexpr std::string_view end = "\r\n";
    std::string rest(octets);
    for (std::size_t at = rest.find(name); at != std::string::npos; at = rest.find(name, at)) {
        rest.erase(at, std::min(rest.find(end, at), rest.size() - end.size()) + end.size() - at);
    }
    return rest;
}

std::string answer(std::string_view status, std::string_view content, std::string_view fields) {
    std::string text("HTTP/1.1 ");
    text.append(status).append("\r\n").append(fields);
    text.append("Content-Length: ").append(std::to_string(content.size())).append("\r\n\r\n");
    return text.append(content);
}

std::string closing(std::string answer) {
    return answer.insert(answer.find("\r\n\r\n") + 2, "Connection: close\r\n");
}

std::string refusal(std::string_view status) {
    const std::string reason = std::string(status.substr(4)) + "\n";
    return closing(answer(status, reason, "content-type: text/plain\r\n"));
}

std::string get(std::string_view target, std::string_view fields) {
    std::string text("GET ");
    text.append(target).append(" HTTP/1.1\r\nHost: a\r\n").append(fields);
    return text.append("\r\n");
}

std::string put(std::string_view content, std::string_view fields) {
    std::string text("PUT /film HTTP/1.1\r\nHost: a\r\nContent-Length: ");
    text.append(std::to_string(content.size())).append("\r\n").append(fields).append("\r\n");
    return text.append(content);
}

Task<> say_hello(http::Request&, http::Responder& responder) {
    responder.respond(http::Status::ok, "hello\n");
    co_return;
}

Task<> answer_late(http::Request&, http::Responder& responder) {
    co_await sleep_for(std::chrono::seconds(10));
    responder.respond(http::Status::ok, "hello\n");
}

Task<> count_octets(http::Request& request, http::Responder& responder) {
    std::uint64_t octets = 0;
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        if (!content) {
            co_return;
        }
        octets += content->size();
    }
    responder.respond(http::Status::ok, std::to_string(octets));
}

Task<> echo(http::Request& request, http::Responder& responder) {
    ByteSink& sink = responder.start(http::Status::ok);
    while (!request.body().ended()) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        if (!content) {
            co_return;
        }
        const Result<void> written = co_await sink.write(*content);
        if (!written) {
            co_return;
        }
    }
    const Result<void> finished = co_await sink.finish();
    static_cast<void>(finished);
}

}  // namespace sluice::tests
