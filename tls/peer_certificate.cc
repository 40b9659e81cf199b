#include "sluice/tls/peer_certificate.h"

#include "sluice/runtime/ensure.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>
#include <string_view>

namespace sluice::tls {

namespace {

using OwnedNames = std::unique_ptr<GENERAL_NAMES, Frees<GENERAL_NAMES_free>>;

std::string take(const BIO* bio) {
    const char* text = nullptr;
    const long size = BIO_get_mem_data(const_cast<BIO*>(bio), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string_view octets_of(const ASN1_STRING* string) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
            static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// Empty: it is no address.
std::string address_of(const ASN1_OCTET_STRING* address) {
    const std::string_view octets = octets_of(address);
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = octets.size() == 4 ? AF_INET : AF_INET6;
    const bool is_one = (octets.size() == 4 || octets.size() == 16) &&
                        ::inet_ntop(family, octets.data(), text.data(), text.size()) != nullptr;
    return is_one ? "IP:" + std::string(text.data()) : std::string();
}

// OpenSSL's own print puts a dot for what cannot be printed, and makes one name of another.
std::string name_of(const GENERAL_NAME* name) {
    int kind = 0;
    const void* const value = GENERAL_NAME_get0_value(name, &kind);
    const auto* const string = static_cast<const ASN1_STRING*>(value);
    std::string text;
    switch (kind) {
        case GEN_DNS: return "DNS:" + std::string(octets_of(string));
        case GEN_EMAIL: return "email:" + std::string(octets_of(string));
        case GEN_URI: return "URI:" + std::string(octets_of(string));
        case GEN_IPADD: text = address_of(string); break;
        default: break;
    }
    if (text.empty()) {
        const OwnedBio printed(BIO_new(BIO_s_mem()));
        ensure(printed != nullptr);
        GENERAL_NAME_print(printed.get(), const_cast<GENERAL_NAME*>(name));
        text = take(printed.get());
    }
    return text;
}

}  // namespace

std::string subject_of(const X509& certificate) {
    const OwnedBio text(BIO_new(BIO_s_mem()));
    ensure(text != nullptr);
    X509_NAME_print_ex(text.get(), X509_get_subject_name(&certificate), 0, XN_FLAG_RFC2253);
    return take(text.get());
}

std::vector<std::string> names_of(const X509& certificate) {
    std::vector<std::string> names;
    const OwnedNames found(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
    const int count = found == nullptr ? 0 : sk_GENERAL_NAME_num(found.get());
    names.reserve(static_cast<std::size_t>(count));
    for (int index = 0; index < count; ++index) {
        names.push_back(name_of(sk_GENERAL_NAME_value(found.get(), index)));
    }
    ERR_clear_error();
    return names;
}

std::string description_of(const X509& certificate) {
    std::string text = subject_of(certificate);
    for (const std::string& each : names_of(certificate)) {
        text += ", ";
        for (const char octet : each) {
            const bool is_printable = octet >= ' ' && octet <= '~';
            text += is_printable ? octet : '?';
        }
    }
    return text;
}

std::optional<PeerCertificate> peer_certificate_of(const SSL* ssl) {
    const X509* const certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) {
        return std::nullopt;
    }
    PeerCertificate peer;
    peer.subject = subject_of(*certificate);
    peer.names = names_of(*certificate);
    unsigned octets = 0;
    auto* const into = reinterpret_cast<unsigned char*>(peer.fingerprint.data());
    ensure(X509_digest(certificate, EVP_sha256(), into, &octets) == 1);
    peer.is_verified = (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 &&
                       SSL_get_verify_result(ssl) == X509_V_OK;
    return peer;
}

bool peer_has_expired(const SSL_SESSION& session) noexcept {
    const X509* const certificate = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(&session));
    return certificate != nullptr && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

Flaw flaw_of(int verification_error) noexcept {
    switch (verification_error) {
        case X509_V_OK: return Flaw::none;
        case X509_V_ERR_CERT_HAS_EXPIRED: return Flaw::expired;
        case X509_V_ERR_CERT_NOT_YET_VALID: return Flaw::not_yet_valid;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH: return Flaw::wrong_name;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return Flaw::self_signed;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_UNTRUSTED: return Flaw::unknown_issuer;
        case X509_V_ERR_INVALID_PURPOSE:
        case X509_V_ERR_INVALID_CA:
        case X509_V_ERR_KEYUSAGE_NO_CERTSIGN: return Flaw::wrong_purpose;
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE: return Flaw::bad_signature;
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
        case X509_V_ERR_CA_MD_TOO_WEAK: return Flaw::too_weak;
        case X509_V_ERR_CERT_REVOKED: return Flaw::revoked;
        case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        case X509_V_ERR_PATH_LENGTH_EXCEEDED: return Flaw::chain_too_long;
        default: return Flaw::other;
    }
}

}  // namespace sluice::tls
