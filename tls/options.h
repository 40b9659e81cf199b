// Options: what a client or a server of TLS is to be like. The defaults are the safe ones.
//
// Not to be chosen, since there is one answer: TLS 1.2 and 1.3 and nothing older; forward secrecy
// and authenticated encryption only; no compression, no renegotiation.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/security.h"
#include "sluice/tls/identity.h"
#include "sluice/tls/server_certificate.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::tls {

struct ClientOptions {
    // Whom to trust: a PEM file of roots. Empty: the system's.
    std::string trust_file = {};
    // Who we are, for servers that want to know.
    Identity identity = {};
    // Encrypts for whoever answers, be it an attacker in between. For tests of one's own.
    bool insecure_skip_verification = false;
    // Whether a server must show, with its certificate, that it is not revoked. A certificate that
    // asks for that itself (RFC 7633) is held to it in any case, and one that is shown to be
    // revoked is refused in any case.
    bool require_ocsp_staple = false;
    TlsVersion version_min = TlsVersion::tls_1_2;
    // What is to be spoken, best first (ALPN). Empty: it is not said.
    std::vector<std::string> protocols = {"http/1.1"};
    // Has the kernel seal what is sent, where it can: with Linux's module "tls", for AES-GCM and
    // ChaCha20-Poly1305, if OpenSSL was built for that. Elsewhere nothing is lost. The kernel keeps
    // a connection's keys: a peer that demands others within it, as some do after hundreds of
    // gigabytes, is refused, by the alert internal_error.
    bool kernel_tls = true;
    // Where to write the keys of all connections, for tools that look into them. Whoever reads it
    // reads everything: it is made for its owner alone. Empty: nowhere; SSLKEYLOGFILE in the
    // environment alone changes nothing.
    std::string key_log_file = {};
};

// Whether a server asks who its clients are.
enum class ClientCertificate : std::uint8_t { ignored, wanted, required };

// What a server is when it is asked for as `name`: "www.example", or "*.example" for every name of
// one label more.
struct NamedIdentity {
    std::string name;
    Identity identity;
};

struct ServerOptions {
    // For clients that ask for no name, or for one that is not among `named`. Empty: they are
    // refused (unrecognized_name).
    Identity identity = {};
    std::vector<NamedIdentity> named = {};
    // If set, it is asked before `named`, and `identity`, are looked at.
    CertificateChooser choose = {};
    ClientCertificate client_certificate = ClientCertificate::ignored;
    // Who vouches for clients: a PEM file. To be given where their certificates are asked for: the
    // system's roots vouch for names of servers.
    std::string client_trust_file = {};
    TlsVersion version_min = TlsVersion::tls_1_2;
    // What is spoken, best first. A client that speaks none of these is refused; one that does not
    // say is not.
    std::vector<std::string> protocols = {"http/1.1"};
    // How long a key of session tickets is used; four times as long it is accepted.
    Duration ticket_key_period = std::chrono::hours(1);
    // A file that holds these keys instead, for processes that are to resume one another's
    // sessions: up to 16 of them, 80 random octets each. The first is used, and all are accepted,
    // until reload() finds others: a new one is put behind the first, and before it once every
    // process has it. Whoever reads the file reads what was said over TLS 1.2.
    std::string ticket_key_file = {};
    bool kernel_tls = true;         // As of ClientOptions.
    std::string key_log_file = {};  // As of ClientOptions.
};

}  // namespace sluice::tls
