#include "sluice/tls/security_facts.h"

#include "sluice/tls/peer_certificate.h"

namespace sluice::tls {

SecurityFacts security_facts_of(const SSL* ssl) {
    SecurityFacts facts;
    facts.version = SSL_version(ssl) == TLS1_3_VERSION ? TlsVersion::tls_1_3 : TlsVersion::tls_1_2;
    facts.is_resumed = SSL_session_reused(ssl) == 1;
    if (const char* const suite = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl))) {
        facts.suite = suite;
    }
    const unsigned char* protocol = nullptr;
    unsigned octets = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &octets);
    facts.protocol.assign(reinterpret_cast<const char*>(protocol), octets);
    if (const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
        facts.server_name = host;
    }
    facts.peer = peer_certificate_of(ssl);
    return facts;
}

}  // namespace sluice::tls
