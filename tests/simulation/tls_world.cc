#include "sluice/tests/simulation/tls_world.h"

#include "sluice/runtime/endpoint.h"
#include "sluice/tests/tls/certificates.h"
#include "sluice/tls/https.h"

#include <chrono>
#include <utility>

namespace sluice::campaign {

namespace {

using std::chrono::milliseconds;
using tests::SeededChance;

// One authority and one certificate for all worlds of a process.
struct House {
    tests::Authority authority{"root", tests::Keys::ed25519};
    tests::Certified server =
        authority.certify({.common_name = "host",
                           .names = {"IP:10.0.0.1", "IP:10.0.0.2", "IP:10.0.0.3", "IP:10.0.0.4"}},
                          "host");

    [[nodiscard]] static const House& instance() {
        static const House house = [] {
            const SeededChance chance_of_its_own(1);
            return House();
        }();
        return house;
    }
    [[nodiscard]] tls::ServerContext server_context() const {
        return tls::ServerContext::create({.identity = server.files}).value();
    }
    [[nodiscard]] tls::ClientContext client_context() const {
        return tls::ClientContext::create({.trust_file = authority.root_file()}).value();
    }
};

}  // namespace

TlsWorld::TlsWorld(const Script& script)
    : chance_(script.seed),
      polite_(House::instance().server_context()),
      rude_(House::instance().server_context()),
      clients_(House::instance().client_context()) {
    for (ssl_ctx_st* const context :
         {polite_.native().get(), rude_.native().get(), clients_.native()}) {
        ledger_.hear(context);
    }
    tests::leave_out_goodbyes(rude_);
    Random random(script.seed ^ 0x746c73);
    if (random.chance(25)) {
        tests::speak_tls_1_2(clients_);
    }
    if (random.chance(20)) {
        connector_options_.session_origins_max = 0;
    }
    if (random.chance(10)) {
        connector_options_.handshake_max = milliseconds(random.between(1, 30));
    }
    if (random.chance(10)) {
        acceptor_options_.handshake_max = milliseconds(random.between(1, 30));
    }
    if (random.chance(20)) {
        acceptor_options_.handshakes_max = random.between(1, 3);
    }
}

ConnectorLayer TlsWorld::layer() const {
    return tls::https(clients_, nullptr, connector_options_);
}

Listening::Listening(Loop& loop, std::string_view at, const Script& script, const TlsWorld* tls,
                     std::set<std::uint16_t>& taken, bool says_goodbye)
    : tcp_(TcpAcceptor::listen(loop, *Endpoint::parse(at),
                               {.listen = {.socket = socket_options_of(script)}})
               .value()),
      acceptor_(tcp_.get()),
      taken_(taken) {
    if (tls != nullptr) {
        tls_ = std::make_unique<tls::TlsAcceptor>(loop, *tcp_, tls->servers(says_goodbye),
                                                  tls->acceptor_options());
        acceptor_ = tls_.get();
    }
}

Task<Result<std::unique_ptr<Transport>>> Listening::accept() {
    Result<std::unique_ptr<Transport>> accepted = co_await acceptor_->accept();
    if (accepted) {
        taken_.insert((*accepted)->peer().port());
    }
    co_return accepted;
}

}  // namespace sluice::campaign
