// https: an HTTP client and server over TLS, and what the client is told when TLS fails.

#include "sluice/http/client.h"
#include "sluice/http/exchange.h"
#include "sluice/http/outcome.h"
#include "sluice/http/responder.h"
#include "sluice/http/server.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/tls/ends.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Authority;
using tests::Connecting;
using tests::House;
using tests::Serving;

constexpr std::size_t content_octets = 200'000;

Task<> answer(http::Request&, http::Responder& responder) {
    const std::string content(content_octets, 'x');
    const http::Outcome outcome = co_await responder.send(http::Status::ok, content);
    static_cast<void>(outcome);
}

struct Told {
    std::optional<Error> response;  // Why there was none.
    std::optional<Error> content;   // Why it ended before its end.
    std::uint64_t octets = 0;
    http::Outcome outcome;
};

Task<> read_content(http::Response& response, Told& told) {
    bool more = true;
    while (more) {
        const Result<std::span<const std::byte>> piece = co_await response.body().read();
        if (!piece) {
            told.content = piece.error();
            co_return;
        }
        told.octets += piece->size();
        more = !piece->empty();
    }
}

Task<> ask(Loop& loop, const tls::ClientContext& context, std::uint16_t port, Told& told) {
    Connecting connecting(loop, context);
    http::Client client(loop);
    client.connect_https_with(connecting.connector());
    http::Exchange exchange =
        client.begin(http::get("https://127.0.0.1:" + std::to_string(port) + "/"));
    Result<http::Response> response = co_await exchange.response();
    if (response) {
        co_await read_content(*response, told);
    } else {
        told.response = response.error();
    }
    told.outcome = co_await exchange.outcome();
    co_await client.close();
}

Task<> serve(http::Server& server, Acceptor& acceptor) {
    const Result<void> served = co_await server.serve(acceptor);
    CHECK(served);
}

Task<Told> ask_a_server(Loop& loop, const tls::ClientContext& context) {
    Serving serving(loop);
    http::Server server(loop, answer);
    Told told;
    const Context here = co_await this_task();
    Scope scope(here);
    scope.spawn(serve(server, serving.acceptor()));
    co_await ask(loop, context, serving.port(), told);
    server.drain(std::chrono::seconds(1));
    co_await scope.join();
    co_return told;
}

Told told_by(const tls::ClientContext& context, const simulation::Options& options = {}) {
    return simulation::run(
        options, [&](const simulation::World& world) { return ask_a_server(world.loop, context); });
}

TEST_CASE("https: what a trusted server says is complete", "[tls][http]") {
    const Told told = told_by(House::instance().client_context);
    CHECK(told.octets == content_octets);
    CHECK_FALSE(told.content);
    CHECK(http::verdict_of(told.outcome) == http::Verdict::complete);
}

TEST_CASE("https: of a server that nobody vouches for the client is told so, and in which phase",
          "[tls][http]") {
    const Authority stranger("stranger");
    const tls::ClientContext trusting_another =
        tls::ClientContext::create({.trust_file = stranger.root_file()}).value();
    const Told told = told_by(trusting_another);
    REQUIRE(told.response);
    CHECK(told.response->code == Errc::untrusted);
    CHECK(told.response->phase == Phase::secure);
    CHECK(static_cast<Flaw>(told.response->tls) == Flaw::unknown_issuer);
    CHECK(http::verdict_of(told.outcome) == http::Verdict::connect_failed);
    CHECK(told.outcome.cause.mechanism == http::Mechanism::tls);
    CHECK(told.outcome.cause.phase == http::ExchangePhase::tls);
}

TEST_CASE("https: content that TCP's end cuts short is truncated, after so many octets",
          "[tls][http]") {
    simulation::Options options;
    options.cuts = {{0, simulation::Direction::to_client, 60'000, simulation::CutKind::fin}};
    const Told told = told_by(House::instance().client_context, options);
    REQUIRE(told.content);
    CHECK(told.content->code == Errc::cut_short);
    CHECK(told.content->octets_done == told.octets);
    CHECK(told.octets > 0);
    CHECK(told.octets < 60'000);
    CHECK(http::verdict_of(told.outcome) == http::Verdict::truncated);
    CHECK(told.outcome.receive.end == http::StreamEnd::cut);
    CHECK(told.outcome.cause.mechanism == http::Mechanism::tls);
}

}  // namespace
}  // namespace sluice
