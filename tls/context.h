// Contexts: what many connections share: certificates, keys, whom to trust. By OpenSSL's SSL_CTX.
//
// Only making one can fail: a context that exists can be used. A server's can be made anew, in
// place, while it is used.
//
// Ownership:    A context is a handle: copies share, and the last one, or the last connection made
//               from it, frees.
// Errors:       ContextError, once, at creation, and of a reload: it names the file.
// Threading:    Any. Loops of many threads share one.
// Source:       SSL_CTX_new(3), SSL_CTX_set_options(3); RFC 9325 (suites), RFC 9525 (names).

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/tls/context_error.h"
#include "sluice/tls/options.h"

#include <expected>
#include <memory>
#include <string>

struct ssl_ctx_st;

namespace sluice::tls {

class ClientContext {
public:
    [[nodiscard]] static std::expected<ClientContext, ContextError> create(
        const ClientOptions& options = {});

    // "the system's roots (/usr/lib/ssl/certs)", or the file; for a reader of errors.
    [[nodiscard]] const std::string& store() const noexcept;
    [[nodiscard]] bool verifies() const noexcept;
    [[nodiscard]] ssl_ctx_st* native() const noexcept;

private:
    struct State;
    explicit ClientContext(std::shared_ptr<const State> state) noexcept;
    std::shared_ptr<const State> state_;
};

class ServerContext {
public:
    [[nodiscard]] static std::expected<ServerContext, ContextError> create(
        const ServerOptions& options);

    // Reads every file that the options name again, for the handshakes that begin from now on, of
    // all copies. Sessions stay good, unless other authorities vouch for clients now, or the file
    // of ticket keys has theirs no more. If there is an error, everything stays as it is.
    [[nodiscard]] std::expected<void, ContextError> reload() const;

    // Whom it trusts to vouch for clients, for a reader of errors: the file, or empty.
    [[nodiscard]] const std::string& store() const noexcept;

    // With each handshake: the keys of session tickets are changed by time.
    void tick(Instant now) const;

    // That of handshakes which begin now.
    [[nodiscard]] std::shared_ptr<ssl_ctx_st> native() const;

private:
    struct State;
    explicit ServerContext(std::shared_ptr<State> state) noexcept;
    std::shared_ptr<State> state_;
};

}  // namespace sluice::tls
