// TlsAcceptor: makes connections secure that another Acceptor has taken in.
//
// Handshakes run side by side, so that a client that is slow, or says nothing, holds up nobody
// else. Only so many run at a time, each for so long; what comes beyond that waits where it is.
//
// Ownership:    Borrows the loop, the acceptor beneath and the observer. close() it, which closes
//               the one beneath too.
// Completion:   accept() yields connections as they become secure, which need not be the order in
//               which they came.
// Cancellation: A stop of accept() stops no handshake; close() does.
// Errors:       Those of the acceptor beneath. A failed handshake is no error of accept(): it is
//               counted, and the observer is told.
// Threading:    The loop's thread. The context may be shared with other loops.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/transport.h"
#include "sluice/tls/context.h"
#include "sluice/tls/handshake_observer.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

namespace sluice::tls {

struct TlsAcceptorOptions {
    Duration handshake_max = std::chrono::seconds(10);
    // With those that are done and were not accepted yet.
    std::size_t handshakes_max = 1024;
    // Signs and exchanges keys on the worker threads, so that the loop goes on meanwhile: worth it
    // with keys of RSA, or where a CertificateChooser may block. A handshake then takes a little
    // longer.
    bool handshakes_on_workers = false;
};

class TlsAcceptor final : public Acceptor {
public:
    TlsAcceptor(Loop& loop, Acceptor& beneath, ServerContext context,
                const TlsAcceptorOptions& options = {});
    TlsAcceptor(TlsAcceptor&&) = delete;
    ~TlsAcceptor() override;

    // Null: nobody.
    void observe(HandshakeObserver* observer) noexcept { observer_ = observer; }

    Task<Result<std::unique_ptr<Transport>>> accept() override;
    Task<> close() override;
    [[nodiscard]] const Endpoint& local() const noexcept override { return beneath_.local(); }

    // Handshakes that run now, and how many have failed.
    [[nodiscard]] std::size_t handshakes() const noexcept { return handshakes_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

private:
    [[nodiscard]] Task<> take_in();
    [[nodiscard]] Task<> secure(std::unique_ptr<Transport> transport);
    void tell(const Error& error, const Endpoint& peer, const std::string& explanation) noexcept;

    Loop& loop_;
    Acceptor& beneath_;
    ServerContext context_;
    TlsAcceptorOptions options_;
    HandshakeObserver* observer_ = nullptr;
    Scope scope_;
    bool is_taking_ = false;
    bool closing_ = false;
    std::size_t handshakes_ = 0;
    std::uint64_t failures_ = 0;
    std::deque<std::unique_ptr<Transport>> ready_;
    std::optional<Error> error_;
    Event changed_{EventKind::accepted};
    Event room_;
};

}  // namespace sluice::tls
