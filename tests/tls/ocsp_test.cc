// Of OCSP staples: what a server hands over, and what a client makes of it.

#include "sluice/tests/tls/asking.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::asked;
using tests::Authority;
using tests::Certified;
using tests::House;
using tests::Standing;
using tls::ContextError;
using tls::ServerContext;

Certified certify_stapled(bool must_staple = false) {
    return House::instance().authority.certify({.must_staple = must_staple}, "stapled");
}

ServerContext serving(const Certified& certified, const std::string& ocsp_file) {
    tls::Identity identity = certified.files;
    identity.ocsp_file = ocsp_file;
    return ServerContext::create({.identity = identity}).value();
}

std::string said_of(const Certified& certified, Standing standing, long for_seconds = 3600) {
    const Authority& issuer = House::instance().authority;
    return issuer.say_of(certified, issuer, standing, "staple", for_seconds);
}

// What is wrong with the server, for a client that insists on a staple, or does not.
Flaw flaw_of(const ServerContext& server, bool insists) {
    tls::ClientOptions options = House::instance().client_options();
    options.require_ocsp_staple = insists;
    const Error error =
        asked(server, "server.example", tls::ClientContext::create(options).value()).error;
    if (error.code == Errc::none) {
        return Flaw::none;
    }
    CHECK(error.code == Errc::untrusted);
    CHECK(error.phase == Phase::secure);
    return static_cast<Flaw>(error.tls);
}

TEST_CASE("ocsp: what is stapled as good is trusted, also by who insists", "[tls][ocsp]") {
    const Certified certified = certify_stapled();
    const ServerContext server = serving(certified, said_of(certified, Standing::good));
    CHECK(flaw_of(server, false) == Flaw::none);
    CHECK(flaw_of(server, true) == Flaw::none);
}

TEST_CASE("ocsp: what is stapled as revoked is refused, also by who does not insist",
          "[tls][ocsp]") {
    const Certified certified = certify_stapled();
    const ServerContext server = serving(certified, said_of(certified, Standing::revoked));
    CHECK(flaw_of(server, false) == Flaw::revoked);
    CHECK(flaw_of(server, true) == Flaw::revoked);
}

TEST_CASE("ocsp: what is stapled counts by whichever digest it names the certificate",
          "[tls][ocsp][rfc6960-4.1.1]") {
    const Authority& issuer = House::instance().authority;
    const Certified certified = certify_stapled();
    for (const auto& [standing, flaw] :
         {std::pair(Standing::good, Flaw::none), std::pair(Standing::revoked, Flaw::revoked)}) {
        const ServerContext server = serving(
            certified, issuer.say_of(certified, issuer, standing, "staple", 3600, EVP_sha256()));
        CHECK(flaw_of(server, false) == flaw);
        CHECK(flaw_of(server, true) == flaw);
    }
}

TEST_CASE("ocsp: without a staple a server is trusted, but by who insists", "[tls][ocsp]") {
    const ServerContext server = serving(certify_stapled(), {});
    CHECK(flaw_of(server, false) == Flaw::none);
    CHECK(flaw_of(server, true) == Flaw::status_unknown);
}

TEST_CASE("ocsp: a certificate that says it comes with a staple is refused without",
          "[tls][ocsp]") {
    const Certified certified = certify_stapled(true);
    CHECK(flaw_of(serving(certified, {}), false) == Flaw::status_unknown);
    const ServerContext with = serving(certified, said_of(certified, Standing::good));
    CHECK(flaw_of(with, false) == Flaw::none);
}

TEST_CASE("ocsp: what no longer holds is not stapled", "[tls][ocsp]") {
    const Certified certified = certify_stapled();
    const ServerContext server = serving(certified, said_of(certified, Standing::good, -1));
    CHECK(flaw_of(server, false) == Flaw::none);
    CHECK(flaw_of(server, true) == Flaw::status_unknown);
}

TEST_CASE("ocsp: what somebody else says of a certificate counts for nothing", "[tls][ocsp]") {
    const Authority stranger("stranger");
    const Authority& ours = House::instance().authority;
    const Certified certified = certify_stapled();
    for (const Standing standing : {Standing::good, Standing::revoked}) {
        for (const Authority* const issuer : {&stranger, &ours}) {
            const ServerContext server =
                serving(certified, stranger.say_of(certified, *issuer, standing, "forged"));
            CHECK(flaw_of(server, false) == Flaw::none);
            CHECK(flaw_of(server, true) == Flaw::status_unknown);
        }
    }
}

std::string octets_of(const std::string& file) {
    std::ifstream opened(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(opened), {}};
}

TEST_CASE("ocsp: what is stapled may be given by its octets, and changed by who chooses",
          "[tls][ocsp]") {
    const Certified certified = certify_stapled();
    tls::Identity identity = certified.files;
    std::optional<tls::ServerCertificate> shown;
    tls::ServerOptions options;
    options.choose = [&](std::string_view) { return shown; };
    const ServerContext server = ServerContext::create(options).value();
    for (const auto& [standing, flaw] :
         {std::pair(Standing::good, Flaw::none), std::pair(Standing::revoked, Flaw::revoked)}) {
        identity.ocsp_response = octets_of(said_of(certified, standing));
        shown = tls::ServerCertificate::load(identity).value();
        CHECK(flaw_of(server, true) == flaw);
    }
}

ContextError::Kind error_with(const std::string& ocsp_file) {
    tls::Identity identity = House::instance().server.files;
    identity.ocsp_file = ocsp_file;
    const auto created = ServerContext::create({.identity = identity});
    REQUIRE_FALSE(created);
    CHECK(created.error().file == ocsp_file);
    return created.error().kind;
}

TEST_CASE("ocsp: a server refuses to start with what it cannot staple", "[tls][ocsp]") {
    const Authority& authority = House::instance().authority;
    const std::string nonsense = authority.path("nonsense");
    std::ofstream(nonsense) << "nonsense";
    CHECK(error_with(authority.path("absent")) == ContextError::Kind::unreadable);
    CHECK(error_with(nonsense) == ContextError::Kind::malformed);
    const std::string of_another = said_of(certify_stapled(), Standing::good);
    CHECK(error_with(of_another) == ContextError::Kind::mismatched);

    tls::Identity identity = House::instance().server.files;
    identity.ocsp_response = octets_of(of_another);
    CHECK(ServerContext::create({.identity = identity}).error().kind ==
          ContextError::Kind::mismatched);
    identity.ocsp_response = "nonsense";
    CHECK(ServerContext::create({.identity = identity}).error().kind ==
          ContextError::Kind::malformed);
    identity.ocsp_file = of_another;
    CHECK(ServerContext::create({.identity = identity}).error().kind ==
          ContextError::Kind::incomplete);
}

}  // namespace
}  // namespace sluice
