// Of a client's context: whom it trusts, for which names, and who may read along.

#include "sluice/tests/tls/asking.h"
#include "sluice/tls/own_certificate.h"

#include <openssl/conf.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::asked;
using tests::House;
using tls::ClientContext;
using tls::ServerContext;

// A variable of the environment, for as long as this lives.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) {
        ::setenv(name, value.c_str(), 1);
    }
    Variable(Variable&&) = delete;
    ~Variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

Flaw flaw_of(const Error& error) {
    if (error.code == Errc::none) {
        return Flaw::none;
    }
    CHECK(error.code == Errc::untrusted);
    return static_cast<Flaw>(error.tls);
}

TEST_CASE(
    "client context: trusts the system's roots if it is told nothing, and says where they are",
    "[tls][client]") {
    House& house = House::instance();
    const ClientContext before = ClientContext::create().value();
    CHECK(before.verifies());
    CHECK(flaw_of(asked(house.server_context, "server.example", before).error) ==
          Flaw::unknown_issuer);
    // An operator who adds to them does it here.
    const Variable roots("SSL_CERT_FILE", house.authority.root_file());
    const ClientContext with = ClientContext::create().value();
    CHECK(flaw_of(asked(house.server_context, "server.example", with).error) == Flaw::none);
    CHECK(with.store().find(house.authority.root_file()) != std::string::npos);
    CHECK(before.store().find(house.authority.root_file()) == std::string::npos);
}

TEST_CASE("client context: a wildcard stands for one whole label, and a subject for no name",
          "[tls][client]") {
    struct Row {
        std::vector<std::string> names;
        const char* asked;
        Flaw flaw;
    };
    for (const Row& row : {
             Row{{"DNS:*.b.example"}, "a.b.example", Flaw::none},
             Row{{"DNS:*.b.example"}, "A.B.example", Flaw::none},
             Row{{"DNS:*.b.example"}, "b.example", Flaw::wrong_name},
             Row{{"DNS:*.b.example"}, "x.a.b.example", Flaw::wrong_name},
             Row{{"DNS:a*.b.example"}, "ab.b.example", Flaw::wrong_name},
             Row{{"DNS:*.*.example"}, "a.b.example", Flaw::wrong_name},
             Row{{}, "subject.example", Flaw::wrong_name},
             Row{{"DNS:other.example"}, "subject.example", Flaw::wrong_name},
             Row{{"DNS:127.0.0.1"}, "127.0.0.1", Flaw::wrong_name},
             Row{{"IP:127.0.0.1"}, "127.0.0.1", Flaw::none},
             Row{{"IP:127.0.0.2"}, "127.0.0.1", Flaw::wrong_name},
         }) {
        CAPTURE(row.names, row.asked);
        const tests::Certified certified = House::instance().authority.certify(
            {.common_name = "subject.example", .names = row.names}, "named");
        const ServerContext server = ServerContext::create({.identity = certified.files}).value();
        CHECK(flaw_of(asked(server, row.asked).error) == row.flaw);
    }
}

TEST_CASE(
    "client context: the names of a certificate are told as they are in it, whatever they hold",
    "[tls][client]") {
    // Were an octet left out, or another put in its place, this would be somebody else's name.
    const std::vector<std::string> names = {"DNS:server.example",
                                            "DNS:ser\x01ver.example",
                                            "email:a\x7f@b.example",
                                            "URI:spiffe://x/\x1b[1m",
                                            "IP:::1",
                                            "IP:127.0.0.1"};
    const tests::Certified certified =
        House::instance().authority.certify({.names = names}, "odd names");
    const ServerContext server = ServerContext::create({.identity = certified.files}).value();
    CHECK(asked(server, "server.example").names == names);
}

struct Said final : tls::HandshakeObserver {
    void handshake_failed(const tls::HandshakeFailure& failure) noexcept override {
        text = failure.description();
    }
    std::string text;
};

Task<> distrust(Loop& loop, const ServerContext& server, Said& said) {
    tests::Serving serving(loop, server);
    tests::Asking asking(loop);
    asking.connector().observe(&said);
    const tests::Learnt learnt = co_await tests::ask_as(serving, asking, "another.example");
    CHECK(learnt.error.code == Errc::untrusted);
    co_await serving.acceptor().close();
}

TEST_CASE("tls connector: why a server is not trusted is one line, whatever its certificate holds",
          "[tls][client]") {
    const tests::Certified certified = House::instance().authority.certify(
        {.names = {"DNS:a.example\nall is well", "DNS:\x1b[2J\xff"}}, "odd names");
    const ServerContext server = ServerContext::create({.identity = certified.files}).value();
    Said said;
    simulation::run(
        {}, [&](const simulation::World& world) { return distrust(world.loop, server, said); });
    CHECK(said.text.find("CN=server, DNS:a.example?all is well, DNS:?[2J? at depth 0") !=
          std::string::npos);
    CHECK(said.text.find("as another.example failed") != std::string::npos);
    CHECK(said.text.find("against " + House::instance().authority.root_file()) !=
          std::string::npos);
}

int choose_h2(SSL*, const unsigned char** chosen, unsigned char* octets, const unsigned char*,
              unsigned, void*) {
    *chosen = reinterpret_cast<const unsigned char*>("h2");
    *octets = 2;
    return SSL_TLSEXT_ERR_OK;
}

TEST_CASE("client context: a server that speaks what was not offered is refused",
          "[tls][client][rfc7301-3.2]") {
    const ServerContext server = ServerContext::create(House::instance().server_options()).value();
    SSL_CTX_set_alpn_select_cb(server.native().get(), choose_h2, nullptr);
    const Error error = asked(server, "server.example").error;
    CHECK(error.code == Errc::alert_sent);
}

// OpenSSL's configuration for a whole system, for as long as this lives.
class SystemConfiguration {
public:
    explicit SystemConfiguration(std::string_view command) {
        const std::string text =
            "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\n"
            "system_default = default\n[default]\n" +
            std::string(command) + "\n";
        const tls::OwnedBio lines(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
        CONF* const read = NCONF_new(nullptr);
        REQUIRE(NCONF_load_bio(read, lines.get(), nullptr) == 1);
        REQUIRE(CONF_modules_load(read, nullptr, 0) == 1);
        NCONF_free(read);
    }
    SystemConfiguration(SystemConfiguration&&) = delete;
    ~SystemConfiguration() { CONF_modules_finish(); }
};

TEST_CASE("contexts: weak keys are refused, also where the system allows them",
          "[tls][client][server]") {
    const tests::Authority weak("weak", tests::Keys::rsa_1024);
    const tests::Certified certified = weak.certify({}, "server");
    const SystemConfiguration lax("CipherString = DEFAULT:@SECLEVEL=0");
    const auto server = ServerContext::create({.identity = certified.files});
    REQUIRE_FALSE(server);
    CHECK(server.error().kind == tls::ContextError::Kind::refused);
    const ClientContext client = ClientContext::create().value();
    CHECK(SSL_CTX_get_security_level(client.native()) == 2);
}

TEST_CASE("contexts: what the system demands beyond ours is demanded", "[tls][client][server]") {
    const SystemConfiguration strict("CipherString = DEFAULT:@SECLEVEL=3");
    const ClientContext client = ClientContext::create().value();
    CHECK(SSL_CTX_get_security_level(client.native()) == 3);
}

TEST_CASE("own certificate: nobody but its owner reads the key", "[tls]") {
    const tests::TemporaryDirectory directory;
    const auto identity = tls::make_own_certificate(directory.path("."));
    REQUIRE(identity);
    CHECK(ServerContext::create({.identity = *identity}));
    using std::filesystem::perms;
    CHECK(std::filesystem::status(identity->key_file).permissions() ==
          (perms::owner_read | perms::owner_write));
}

std::set<std::string> lines_of(const std::string& file) {
    std::ifstream opened(file);
    std::set<std::string> lines;
    for (std::string line; std::getline(opened, line);) {
        lines.insert(line);
    }
    return lines;
}

TEST_CASE("contexts: keys are written where an end was told to, and not since the environment says",
          "[tls][client][server]") {
    House& house = House::instance();
    const Variable everywhere("SSLKEYLOGFILE", house.authority.path("everywhere.keys"));
    tls::ServerOptions server = house.server_options();
    tls::ClientOptions client = house.client_options();
    const auto ask = [&] {
        const tests::Learnt learnt = asked(ServerContext::create(server).value(), "server.example",
                                           ClientContext::create(client).value());
        CHECK(learnt.subject == "CN=server");
    };
    ask();
    CHECK_FALSE(std::filesystem::exists(house.authority.path("everywhere.keys")));
    server.key_log_file = house.authority.path("server.keys");
    client.key_log_file = house.authority.path("client.keys");
    ask();
    const std::set<std::string> keys = lines_of(client.key_log_file);
    CHECK(keys.size() ==
          5);  // Both ends' of the handshake and of what follows, and the exporter's.
    CHECK(keys == lines_of(server.key_log_file));
    using std::filesystem::perms;
    CHECK(std::filesystem::status(client.key_log_file).permissions() ==
          (perms::owner_read | perms::owner_write));
    // Another connection's come behind those.
    ask();
    CHECK(lines_of(client.key_log_file).size() == 10);
    CHECK_FALSE(std::filesystem::exists(house.authority.path("everywhere.keys")));
}

}  // namespace
}  // namespace sluice
