// PreparingAcceptor: makes connections ready, each on its own, that another Acceptor has taken in.
//
// What has to be said before a connection can be used (a handshake of TLS, a proxy's header) is
// said side by side, so that a peer that is slow, or says nothing, holds up nobody else. Only so
// many are made ready at a time; what comes beyond that waits where it is.
//
// Ownership:    Borrows the loop and the acceptor beneath. close() it, which closes that too.
// Completion:   accept() yields connections as they become ready, which need not be the order in
//               which they came.
// Cancellation: A stop of accept() ends what is taken in, and nothing that has begun: it goes on
//               yielding connections that become ready, until none is left or `finishing_max` has
//               passed, and only then `cancelled`. It may be called again after that, to go on.
//               close() resets what did not become ready.
// Errors:       Those of the acceptor beneath. A connection that does not become ready is no error.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/timers.h"
#include "sluice/runtime/transport.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>

namespace sluice {

class PreparingAcceptor : public Acceptor, private Timer {
public:
    PreparingAcceptor(PreparingAcceptor&&) = delete;
    ~PreparingAcceptor() override;

    Task<Result<std::unique_ptr<Transport>>> accept() final;
    Task<> close() final;
    [[nodiscard]] const Endpoint& local() const noexcept final { return beneath_.local(); }

protected:
    // At most `at_once_max` at a time, with those that are ready and were not accepted yet.
    PreparingAcceptor(Loop& loop, Acceptor& beneath, std::size_t at_once_max,
                      Duration finishing_max);

    // Yields the connection, or what takes its place; null: it did not become ready, and is closed.
    // Is asked to stop by close(), before which it ends.
    virtual Task<std::unique_ptr<Transport>> prepare(std::unique_ptr<Transport> transport) = 0;

    [[nodiscard]] Loop& loop() const noexcept { return loop_; }
    [[nodiscard]] bool is_closing() const noexcept { return closing_; }
    [[nodiscard]] std::size_t preparing() const noexcept { return preparing_; }

private:
    [[nodiscard]] bool may_finish() noexcept;
    void go_on();
    void fired() noexcept final;
    [[nodiscard]] Task<> take_in();
    [[nodiscard]] Task<> make_ready(std::unique_ptr<Transport> transport);

    Loop& loop_;
    Acceptor& beneath_;
    std::size_t at_once_max_;
    Duration finishing_max_;
    Scope scope_;
    bool is_taking_ = false;
    StopSource* taking_ = nullptr;
    bool is_finishing_ = false;
    bool finishing_is_over_ = false;
    bool closing_ = false;
    std::size_t preparing_ = 0;
    std::deque<std::unique_ptr<Transport>> ready_;
    std::optional<Error> error_;
    Event changed_{EventKind::accepted};
    Event room_;
};

}  // namespace sluice
