// https: an HTTP client and server over TLS, and what the client is told when TLS fails.

#include "sluice/tls/https.h"
#include "sluice/http/client.h"
#include "sluice/http/exchange.h"
#include "sluice/http/outcome.h"
#include "sluice/http/outcome_observer.h"
#include "sluice/http/responder.h"
#include "sluice/http/server.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/tls/ends.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::Authority;
using tests::House;
using tests::Serving;

constexpr std::size_t content_octets = 200'000;

Task<> answer(http::Request&, http::Responder& responder) {
    const std::string content(content_octets, 'x');
    const http::Outcome outcome = co_await responder.send(http::Status::ok, content);
    static_cast<void>(outcome);
}

// What a server learns of its client.
struct Learnt final : http::OutcomeObserver {
    void exchange_ended(const http::Outcome& outcome) override { outcomes.push_back(outcome); }

    std::optional<SecurityFacts> facts;
    std::vector<http::Outcome> outcomes;
};

Task<> learn(Learnt& learnt, http::Request& request, http::Responder& responder) {
    REQUIRE(request.security() != nullptr);
    learnt.facts = *request.security();
    responder.respond(http::Status::ok, "hello\n");
    co_return;
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
    http::Client client(loop, {.https = tls::https(context)});
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

Task<Told> ask_a_server(Loop& loop, const tls::ServerContext& server_context,
                        const tls::ClientContext& context, http::Handler handler,
                        http::OutcomeObserver* observer) {
    Serving serving(loop, server_context);
    http::Server server(loop, std::move(handler));
    server.observe(observer);
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
    return simulation::run(options, [&](const simulation::World& world) {
        return ask_a_server(world.loop, House::instance().server_context, context, answer, nullptr);
    });
}

TEST_CASE("https: what a trusted server says is complete", "[tls][http]") {
    const Told told = told_by(House::instance().client_context);
    CHECK(told.octets == content_octets);
    CHECK_FALSE(told.content);
    CHECK(http::verdict_of(told.outcome) == http::Verdict::complete);
    CHECK(told.outcome.connection.tls == TlsVersion::tls_1_3);
    CHECK_FALSE(told.outcome.connection.resumed);
    // Records of 16 KiB with 22 octets around each, small ones at first, the handshake, tickets.
    CHECK(told.outcome.receive.tls_added > 22 * content_octets / (16 * 1024));
    CHECK(told.outcome.receive.tls_added < 4'000);
    CHECK(told.outcome.send.tls_added > 300);
    CHECK(told.outcome.send.tls_added < 1'000);
}

// What a server learns that wants to know its clients, and the client is told.
struct Met {
    Learnt learnt;
    Told told;
    tests::Certified client;
};

Met meet(tls::ClientCertificate asked, bool has_certificate) {
    const Authority clients("clients");
    Met met;
    met.client = clients.certify({.common_name = "film maker",
                                  .names = {"email:maker@film.example", "DNS:maker.example"},
                                  .purpose = tests::Purpose::client},
                                 "client");
    tls::ServerOptions server = House::instance().server_options();
    server.client_certificate = asked;
    server.client_trust_file = clients.root_file();
    tls::ClientOptions client = House::instance().client_options();
    client.identity = has_certificate ? met.client.files : tls::Identity();
    const tls::ServerContext server_context = tls::ServerContext::create(server).value();
    const tls::ClientContext context = tls::ClientContext::create(client).value();
    const http::Handler handler = [&](http::Request& request, http::Responder& responder) {
        return learn(met.learnt, request, responder);
    };
    met.told = simulation::run({}, [&](const simulation::World& world) {
        return ask_a_server(world.loop, server_context, context, handler, &met.learnt);
    });
    return met;
}

TEST_CASE("https: a request says whose certificate its client has, and the outcome that it had one",
          "[tls][http]") {
    const Met met = meet(tls::ClientCertificate::required, true);
    REQUIRE(met.learnt.facts);
    REQUIRE(met.learnt.facts->peer);
    const PeerCertificate& peer = *met.learnt.facts->peer;
    CHECK(peer.subject == "CN=film maker");
    CHECK(peer.names == std::vector<std::string>{"email:maker@film.example", "DNS:maker.example"});
    CHECK(peer.is_verified);
    std::array<unsigned char, 32> fingerprint{};
    unsigned octets = 0;
    X509_digest(met.client.certificate.get(), EVP_sha256(), fingerprint.data(), &octets);
    CHECK(std::ranges::equal(peer.fingerprint, std::as_bytes(std::span(fingerprint))));
    REQUIRE(met.learnt.outcomes.size() == 1);
    const http::Outcome& outcome = met.learnt.outcomes.front();
    CHECK(outcome.connection.tls == TlsVersion::tls_1_3);
    CHECK(outcome.send.tls_added == met.told.outcome.receive.tls_added);
    CHECK(outcome.receive.tls_added == met.told.outcome.send.tls_added);
}

TEST_CASE("https: a client that is not asked for a certificate, or shows none, has none",
          "[tls][http]") {
    for (const auto& [asked, has] : {std::pair(tls::ClientCertificate::ignored, true),
                                     std::pair(tls::ClientCertificate::wanted, false)}) {
        const Met met = meet(asked, has);
        REQUIRE(met.learnt.facts);
        CHECK_FALSE(met.learnt.facts->peer);
        CHECK(http::verdict_of(met.told.outcome) == http::Verdict::complete);
    }
}

TEST_CASE("https: the alert that refused a client is told to it by its name", "[tls][http]") {
    const Met met = meet(tls::ClientCertificate::required, false);
    CHECK_FALSE(met.learnt.facts);
    const http::Outcome& outcome = met.told.outcome;
    // TLS 1.3: the client's part of the handshake was done by then.
    CHECK(outcome.cause.mechanism == http::Mechanism::tls);
    CHECK(outcome.cause.tls == http::TlsEvent::alert_received);
    CHECK(http::tls_detail_of(outcome.cause) == "certificate_required");
    REQUIRE(met.told.response);
    CHECK(met.told.response->code == Errc::alert_received);
    CHECK(static_cast<Alert>(met.told.response->tls) == Alert::certificate_required);
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
    CHECK(told.outcome.cause.tls == http::TlsEvent::untrusted);
    CHECK(http::tls_detail_of(told.outcome.cause) == "unknown_issuer");
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
    CHECK(told.outcome.cause.tls == http::TlsEvent::cut_short);
}

}  // namespace
}  // namespace sluice
