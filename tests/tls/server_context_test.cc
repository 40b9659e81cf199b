// Of a server's context: which certificate it shows, to whom, since when, and with what staple.

#include "sluice/runtime/await.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/tls/asking.h"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::asked;
using tests::Asking;
using tests::Authority;
using tests::Certified;
using tests::House;
using tests::Learnt;
using tests::Serving;
using tls::ContextError;
using tls::ServerCertificate;
using tls::ServerContext;
using tls::ServerOptions;

Certified certify(std::string_view name) {
    return House::instance().authority.certify(
        {.common_name = std::string(name),
         .names = {"DNS:a.example", "DNS:b.example", "DNS:x.b.example", "DNS:x.y.b.example"}},
        name);
}

Alert alert_of(const Error& error) {
    CHECK(error.code == Errc::alert_received);
    return static_cast<Alert>(error.tls);
}

TEST_CASE("server context: shows each name its certificate, and others the one for others",
          "[tls][server]") {
    ServerOptions options{.identity = certify("others").files};
    options.named = {{"A.example", certify("exact").files},
                     {"*.b.example", certify("below").files}};
    const ServerContext context = ServerContext::create(options).value();
    CHECK(asked(context, "a.example").subject == "CN=exact");
    CHECK(asked(context, "a.EXAMPLE.").subject == "CN=exact");
    CHECK(asked(context, "x.b.example").subject == "CN=below");
    CHECK(asked(context, "b.example").subject == "CN=others");
    CHECK(asked(context, "x.y.b.example").subject == "CN=others");
}

TEST_CASE(
    "server context: shows a name its certificate though the one for others is of another kind",
    "[tls][server]") {
    const Authority other("other", tests::Keys::ed25519);
    ServerOptions options{.identity = certify("others").files};
    options.named = {
        {"a.example",
         other.certify({.common_name = "exact", .names = {"DNS:a.example"}}, "exact").files}};
    const ServerContext context = ServerContext::create(options).value();
    const tls::ClientContext client =
        tls::ClientContext::create({.trust_file = other.root_file()}).value();
    CHECK(asked(context, "a.example", client).subject == "CN=exact");
    CHECK(asked(context, "b.example").subject == "CN=others");
}

TEST_CASE("server context: refuses names that it knows not where nothing is for others",
          "[tls][server]") {
    ServerOptions options;
    options.named = {{"a.example", certify("exact").files}};
    const ServerContext context = ServerContext::create(options).value();
    CHECK(asked(context, "a.example").subject == "CN=exact");
    CHECK(alert_of(asked(context, "b.example").error) == Alert::unrecognized_name);
    CHECK(alert_of(asked(context, "127.0.0.1").error) == Alert::unrecognized_name);
}

TEST_CASE("server context: whoever chooses is asked first, with the name in lower case",
          "[tls][server]") {
    const ServerCertificate chosen = ServerCertificate::load(certify("chosen").files).value();
    ServerOptions options{.identity = certify("others").files};
    options.choose = [&](std::string_view name) {
        return name == "a.example" ? std::optional(chosen) : std::nullopt;
    };
    const ServerContext context = ServerContext::create(options).value();
    CHECK(asked(context, "A.example").subject == "CN=chosen");
    CHECK(asked(context, "b.example").subject == "CN=others");
}

TEST_CASE("server context: a name that is none is an error", "[tls][server]") {
    for (const char* const name : {"", "*", "*a.example", "a.*.example"}) {
        CAPTURE(name);
        ServerOptions options;
        options.named = {{name, House::instance().server.files}};
        const auto created = ServerContext::create(options);
        REQUIRE_FALSE(created);
        CHECK(created.error().kind == ContextError::Kind::incomplete);
    }
}

void put_in_place(const tls::Identity& of, const tls::Identity& at) {
    using std::filesystem::copy_options;
    std::filesystem::copy_file(of.certificate_file, at.certificate_file,
                               copy_options::overwrite_existing);
    std::filesystem::copy_file(of.key_file, at.key_file, copy_options::overwrite_existing);
}

Task<> reload_between(Loop& loop) {
    const Certified before = certify("before");
    const Certified later = certify("later");
    const tls::Identity at = certify("here").files;
    put_in_place(before.files, at);
    const ServerContext context = ServerContext::create({.identity = at}).value();
    Serving serving(loop, context);
    Asking first(loop);
    Learnt early = co_await connect_as(serving, first, "a.example");
    CHECK(early.subject == "CN=before");

    // The certificate is there, and its key is not yet.
    put_in_place({later.files.certificate_file, before.files.key_file}, at);
    const auto broken = context.reload();
    REQUIRE_FALSE(broken);
    CHECK(broken.error().kind == ContextError::Kind::mismatched);
    CHECK(broken.error().file == at.key_file);
    Asking second(loop);
    const Learnt meanwhile = co_await ask_as(serving, second, "a.example");
    CHECK(meanwhile.subject == "CN=before");

    put_in_place(later.files, at);
    CHECK(context.reload());
    Asking third(loop);
    const Learnt after = co_await ask_as(serving, third, "a.example");
    CHECK(after.subject == "CN=later");
    // The session that the old one gave is good at the new one.
    const Learnt again = co_await ask_as(serving, first, "a.example");
    CHECK(again.is_resumed);
    // And the connection of those days goes on.
    std::ignore = co_await tests::send(*early.client, "still here");
    const tests::Input input = co_await tests::receive_all(*early.server, 10);
    CHECK(input.octets == "still here");
    co_await close(early);
    co_await serving.acceptor().close();
}

TEST_CASE(
    "server context: reloaded, new handshakes show the new, and what is broken changes nothing",
    "[tls][server]") {
    simulation::run({}, [](const simulation::World& world) { return reload_between(world.loop); });
}

Task<> rotate(Loop& loop) {
    const ServerContext context = ServerContext::create(House::instance().server_options()).value();
    Serving serving(loop, context);
    Asking asking(loop);
    Asking early(loop);
    const Learnt first = co_await ask_as(serving, asking, "server.example");
    CHECK_FALSE(first.is_resumed);
    for (int hour = 0; hour < 6; ++hour) {
        CAPTURE(hour);
        co_await sleep_for(std::chrono::hours(1));
        const Learnt again = co_await ask_as(serving, asking, "server.example");
        CHECK(again.is_resumed);
        if (hour == 0) {
            const Learnt kept = co_await ask_as(serving, early, "server.example");
            CHECK_FALSE(kept.is_resumed);
        }
    }
    const Learnt too_late = co_await ask_as(serving, early, "server.example");
    CHECK_FALSE(too_late.is_resumed);
    co_await serving.acceptor().close();
}

TEST_CASE("server context: session keys change by the hour, and old ones are forgotten later",
          "[tls][server]") {
    simulation::run({}, [](const simulation::World& world) { return rotate(world.loop); });
}

Task<> trust_another(Loop& loop) {
    const Authority clients("clients");
    const Authority others("others");
    const std::string trusted = clients.path("trusted");
    std::filesystem::copy_file(clients.root_file(), trusted);
    const Certified client = clients.certify({.purpose = tests::Purpose::client}, "client");
    ServerOptions options = House::instance().server_options();
    options.client_certificate = tls::ClientCertificate::required;
    options.client_trust_file = trusted;
    const ServerContext context = ServerContext::create(options).value();
    tls::ClientOptions who = House::instance().client_options();
    who.identity = client.files;
    Serving serving(loop, context);
    Asking asking(loop, tls::ClientContext::create(who).value());
    const Learnt first = co_await ask_as(serving, asking, "server.example");
    CHECK(first.error.code == Errc::none);
    std::filesystem::copy_file(others.root_file(), trusted,
                               std::filesystem::copy_options::overwrite_existing);
    CHECK(context.reload());
    Learnt again = co_await connect_as(serving, asking, "server.example");
    CHECK(again.server == nullptr);
    co_await close(again);
    co_await serving.acceptor().close();
}

TEST_CASE("server context: a session does not outlive the trust that it was given in",
          "[tls][server]") {
    simulation::run({}, [](const simulation::World& world) { return trust_another(world.loop); });
}

constexpr int day_seconds = 24 * 60 * 60;

// Certificates are looked at as if it were days ago: what has expired since was good then.
void verify_as_of(int days_ago, SSL_CTX* context) {
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context),
                               std::time(nullptr) - long{days_ago} * day_seconds);
}

Task<> resume_with_expired(Loop& loop, int version, bool is_of_client) {
    const Authority& authority = House::instance().authority;
    const tests::Wanted expired{
        .purpose = tests::Purpose::client, .valid_from_days = -4, .valid_to_days = -2};
    const Authority clients("clients");
    ServerOptions options{
        .identity =
            is_of_client
                ? House::instance().server.files
                : authority.certify({.valid_from_days = -4, .valid_to_days = -2}, "expired").files};
    options.client_certificate = tls::ClientCertificate::required;
    options.client_trust_file = authority.root_file();
    const ServerContext server = ServerContext::create(options).value();
    tls::ClientOptions who = House::instance().client_options();
    who.identity =
        authority
            .certify(is_of_client ? expired : tests::Wanted{.purpose = tests::Purpose::client},
                     "client")
            .files;
    const tls::ClientContext client = tls::ClientContext::create(who).value();
    SSL_CTX_set_max_proto_version(client.native(), version);
    // The other's root and certificate are good on that day, too, for who does not look at it.
    verify_as_of(is_of_client ? 3 : 0, server.native().get());
    verify_as_of(is_of_client ? 0 : 3, client.native());
    Serving serving(loop, server);
    Asking asking(loop, client);
    for (int times = 0; times < 2; ++times) {
        const Learnt learnt = co_await ask_as(serving, asking, "server.example");
        CHECK(learnt.error.code == Errc::none);
        CHECK_FALSE(learnt.is_resumed);
    }
    co_await serving.acceptor().close();
}

TEST_CASE("contexts: a session does not outlive the certificate of the other end",
          "[tls][server][client][rfc8446-4.6.1]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const bool is_of_client : {false, true}) {
            CAPTURE(version, is_of_client);
            simulation::run({}, [&](const simulation::World& world) {
                return resume_with_expired(world.loop, version, is_of_client);
            });
        }
    }
}

// A file of keys whose octets are all alike, one after another.
std::string key_file(std::string_view name, std::string_view alike) {
    std::string octets;
    for (const char each : alike) {
        octets.append(80, each);
    }
    std::string file = House::instance().authority.path(name);
    std::ofstream(file, std::ios::binary) << octets;
    return file;
}

ServerContext sealing_with(const std::string& file) {
    ServerOptions options = House::instance().server_options();
    options.ticket_key_file = file;
    return ServerContext::create(options).value();
}

// Whether a session that the first server gave is resumed at the second.
Task<bool> resumes(Loop& loop, const ServerContext& first, const ServerContext& second) {
    Serving giving(loop, first);
    Serving taking(loop, second);
    Asking asking(loop);
    const Learnt given = co_await ask_as(giving, asking, "server.example");
    CHECK_FALSE(given.is_resumed);
    const Learnt taken = co_await ask_as(taking, asking, "server.example");
    CHECK(taken.subject == "CN=server");
    co_await giving.acceptor().close();
    co_await taking.acceptor().close();
    co_return taken.is_resumed;
}

bool resumed(const ServerContext& first, const ServerContext& second) {
    return simulation::run(
        {}, [&](const simulation::World& world) { return resumes(world.loop, first, second); });
}

TEST_CASE("server context: a session is resumed at whoever has the key of it, and at no other",
          "[tls][server]") {
    const ServerContext given = sealing_with(key_file("given", "ab"));
    CHECK(resumed(given, given));
    CHECK(resumed(given, sealing_with(key_file("the same", "ab"))));
    CHECK(resumed(given, sealing_with(key_file("older there", "cba"))));
    CHECK_FALSE(resumed(given, sealing_with(key_file("others", "bc"))));
    CHECK_FALSE(resumed(given, sealing_with({})));
}

Task<> change_keys(Loop& loop) {
    const std::string file = key_file("changing", "a");
    const ServerContext context = sealing_with(file);
    Serving serving(loop, context);
    Asking early(loop);
    const Learnt first = co_await ask_as(serving, early, "server.example");
    CHECK_FALSE(first.is_resumed);
    // Time forgets none that was given.
    const bool passed = co_await sleep_for(std::chrono::hours(100));
    CHECK(passed);
    const Learnt later = co_await ask_as(serving, early, "server.example");
    CHECK(later.is_resumed);
    // Of what holds no keys nothing is taken.
    std::ofstream(file, std::ios::app) << "b";
    const auto broken = context.reload();
    REQUIRE_FALSE(broken);
    CHECK(broken.error().kind == ContextError::Kind::malformed);
    CHECK(broken.error().file == file);
    const Learnt meanwhile = co_await ask_as(serving, early, "server.example");
    CHECK(meanwhile.is_resumed);

    key_file("changing", "ba");
    CHECK(context.reload());
    Asking late(loop);
    const Learnt second = co_await ask_as(serving, late, "server.example");
    CHECK_FALSE(second.is_resumed);
    key_file("changing", "b");
    CHECK(context.reload());
    const Learnt forgotten = co_await ask_as(serving, early, "server.example");
    CHECK_FALSE(forgotten.is_resumed);
    const Learnt kept = co_await ask_as(serving, late, "server.example");
    CHECK(kept.is_resumed);
    co_await serving.acceptor().close();
}

TEST_CASE("server context: given keys change when they are read again, and at no other time",
          "[tls][server]") {
    simulation::run({}, [](const simulation::World& world) { return change_keys(world.loop); });
}

Task<> resume_for_days(Loop& loop, int version) {
    const ServerContext context = sealing_with(key_file("for days", "a"));
    const tls::ClientContext client =
        tls::ClientContext::create(House::instance().client_options()).value();
    SSL_CTX_set_max_proto_version(client.native(), version);
    Serving serving(loop, context);
    Asking asking(loop, client);
    for (int day = 0; day < 16; ++day) {
        CAPTURE(day);
        const Learnt learnt = co_await ask_as(serving, asking, "server.example");
        CHECK(learnt.is_resumed == (day % 8 != 0));
        const bool passed = co_await sleep_for(std::chrono::hours(day % 8 == 6 ? 23 : 24));
        CHECK(passed);
    }
    co_await serving.acceptor().close();
}

TEST_CASE("client context: who a server is, is proven anew within a week, however often it resumes",
          "[tls][client][rfc8446-4.6.1]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        simulation::run({}, [&](const simulation::World& world) {
            return resume_for_days(world.loop, version);
        });
    }
}

TEST_CASE("server context: refuses to start without the keys it was promised", "[tls][server]") {
    ServerOptions options = House::instance().server_options();
    options.ticket_key_file = House::instance().authority.path("no keys");
    CHECK(ServerContext::create(options).error().kind == ContextError::Kind::unreadable);
    for (const std::size_t octets : {0U, 79U, 81U, 17U * 80U}) {
        CAPTURE(octets);
        std::ofstream(options.ticket_key_file) << std::string(octets, 'a');
        const auto created = ServerContext::create(options);
        REQUIRE_FALSE(created);
        CHECK(created.error().kind == ContextError::Kind::malformed);
    }
    std::ofstream(options.ticket_key_file) << std::string(std::size_t{16} * 80, 'a');
    CHECK(ServerContext::create(options));
}

}  // namespace
}  // namespace sluice
