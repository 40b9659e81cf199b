// TlsAcceptor: makes connections secure that another Acceptor has taken in.
//
// Handshakes run side by side, each for so long: see PreparingAcceptor.
//
// Ownership:    Borrows the observer too.
// Errors:       A failed handshake is no error of accept(): it is counted, and told to the
//               observer.
// Threading:    The loop's thread. The context may be shared with other loops.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/preparing_acceptor.h"
#include "sluice/runtime/transport.h"
#include "sluice/tls/context.h"
#include "sluice/tls/handshake_observer.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace sluice::tls {

struct TlsAcceptorOptions {
    Duration handshake_max = std::chrono::seconds(10);
    // With those that are done and were not accepted yet.
    std::size_t handshakes_max = 1024;
    // How long those that have come may still take once accept() was asked to stop.
    Duration finishing_max = std::chrono::seconds(1);
    // Signs and exchanges keys on the worker threads, so that the loop goes on meanwhile: worth it
    // with keys of RSA, or where a CertificateChooser may block. A handshake then takes a little
    // longer.
    bool handshakes_on_workers = false;
};

class TlsAcceptor final : public PreparingAcceptor {
public:
    TlsAcceptor(Loop& loop, Acceptor& beneath, ServerContext context,
                const TlsAcceptorOptions& options = {});

    // Null: nobody.
    void observe(HandshakeObserver* observer) noexcept { observer_ = observer; }

    // Handshakes that run now, and how many have failed.
    [[nodiscard]] std::size_t handshakes() const noexcept { return preparing(); }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

private:
    Task<std::unique_ptr<Transport>> prepare(std::unique_ptr<Transport> transport) override;
    void tell(const Error& error, const Endpoint& peer, const std::string& explanation) noexcept;

    ServerContext context_;
    TlsAcceptorOptions options_;
    HandshakeObserver* observer_ = nullptr;
    std::uint64_t failures_ = 0;
};

}  // namespace sluice::tls
