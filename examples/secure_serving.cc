#include "sluice/examples/secure_serving.h"

#include "sluice/examples/handshake_log.h"
#include "sluice/tls/acceptor.h"
#include "sluice/tls/context.h"

#include <cstdio>
#include <memory>
#include <string>

namespace sluice::examples {

void SecureServing::add_to(CommandLine& line) {
    line.option("--tls-cert", "FILE", tls.identity.certificate_file,
                "a certificate in PEM, and its issuers: https");
    line.option("--tls-key", "FILE", tls.identity.key_file, "the key of --tls-cert");
    line.option("--tls-ocsp", "FILE", tls.identity.ocsp_file,
                "what its issuer says of it, in DER: handed to clients that ask");
    line.option("--tls-tickets", "FILE", tls.ticket_key_file,
                "keys of 80 octets for sessions, shared with other servers");
    line.option("--client-ca", "FILE", tls.client_trust_file,
                "who vouches for clients: those without a certificate are refused");
}

bool SecureServing::apply_to(ServeOptions& options) {
    const tls::Identity& identity = tls.identity;
    const bool is_asked_for = !identity.certificate_file.empty() || !identity.key_file.empty() ||
                              !identity.ocsp_file.empty() || !tls.ticket_key_file.empty() ||
                              !tls.client_trust_file.empty();
    if (!is_asked_for) {
        return true;
    }
    tls::ServerOptions wanted = tls;
    if (!tls.client_trust_file.empty()) {
        wanted.client_certificate = tls::ClientCertificate::required;
    }
    const auto context = tls::ServerContext::create(wanted);
    if (!context) {
        std::fprintf(stderr, "%s\n", context.error().description().c_str());
        return false;
    }
    reloading.emplace([context = *context] {
        const auto reloaded = context.reload();
        std::fprintf(
            stderr, "%s\n",
            reloaded ? "the certificate was read again" : reloaded.error().description().c_str());
    });
    options.secure = [context = *context](Loop& loop, Acceptor& acceptor) {
        static HandshakeLog log;
        auto secure = std::make_unique<tls::TlsAcceptor>(loop, acceptor, context);
        secure->observe(&log);
        return secure;
    };
    return true;
}

}  // namespace sluice::examples
