// TlsWorld: what makes the hosts of a world speak TLS, with chance that is the seed's own.
//
// OpenSSL's random octets come from the seed, and the certificates' keys are of Ed25519, whose
// signatures have one length: so a seed makes the same records every time.
//
// Ownership:    Outlives the hosts.
// Threading:    One of a process at a time: OpenSSL has one source of chance.

#pragma once

#include "sluice/runtime/connector_layer.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/tcp.h"
#include "sluice/runtime/transport.h"
#include "sluice/tests/simulation/script.h"
#include "sluice/tests/tls/openssl_habits.h"
#include "sluice/tests/tls/record_ledger.h"
#include "sluice/tls/acceptor.h"
#include "sluice/tls/connector.h"
#include "sluice/tls/context.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace sluice::campaign {

class TlsWorld {
public:
    explicit TlsWorld(const Script& script);

    [[nodiscard]] ConnectorLayer layer() const;
    // The context of servers that say goodbye, or of those that never do: who ends what they say
    // with TCP's FIN alone cannot be told from an attacker.
    [[nodiscard]] const tls::ServerContext& servers(bool say_goodbye) const noexcept {
        return say_goodbye ? polite_ : rude_;
    }
    [[nodiscard]] const tls::TlsAcceptorOptions& acceptor_options() const noexcept {
        return acceptor_options_;
    }
    [[nodiscard]] tests::RecordLedger& ledger() noexcept { return ledger_; }

private:
    tests::SeededChance chance_;
    tests::RecordLedger ledger_;
    tls::ServerContext polite_;
    tls::ServerContext rude_;
    tls::ClientContext clients_;
    tls::TlsAcceptorOptions acceptor_options_;
    tls::TlsConnectorOptions connector_options_;
};

// Listens, speaks TLS where the world does, and writes down the ports of whom it hands over.
class Listening final : public Acceptor {
public:
    Listening(Loop& loop, std::string_view at, const Script& script, const TlsWorld* tls,
              std::set<std::uint16_t>& taken, bool says_goodbye = true);

    Task<Result<std::unique_ptr<Transport>>> accept() override;
    Task<> close() override { return acceptor_->close(); }
    [[nodiscard]] const Endpoint& local() const noexcept override { return acceptor_->local(); }

private:
    std::unique_ptr<TcpAcceptor> tcp_;
    std::unique_ptr<tls::TlsAcceptor> tls_;
    Acceptor* acceptor_;
    std::set<std::uint16_t>& taken_;
};

}  // namespace sluice::campaign
