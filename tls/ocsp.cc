#include "sluice/tls/ocsp.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

namespace sluice::tls {

namespace {

using OwnedResponse = std::unique_ptr<OCSP_RESPONSE, Frees<OCSP_RESPONSE_free>>;
using OwnedBasicResponse = std::unique_ptr<OCSP_BASICRESP, Frees<OCSP_BASICRESP_free>>;
using OwnedId = std::unique_ptr<OCSP_CERTID, Frees<OCSP_CERTID_free>>;
using OwnedFeatures = std::unique_ptr<TLS_FEATURE, Frees<TLS_FEATURE_free>>;

// How far the clocks of an issuer and of ours may be apart.
constexpr long clock_skew_seconds = 300;

// Null: it is none, or it says only that the issuer would not answer.
OwnedBasicResponse parse(const unsigned char* octets, long size) {
    const OwnedResponse response(d2i_OCSP_RESPONSE(nullptr, &octets, size));
    OwnedBasicResponse basic;
    if (response != nullptr &&
        OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        basic.reset(OCSP_response_get1_basic(response.get()));
    }
    ERR_clear_error();
    return basic;
}

// Seconds since 1970.
std::time_t time_of(const ASN1_GENERALIZEDTIME* time) {
    std::tm parts{};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

// RFC 7633: the certificate is worth nothing without a response.
bool asks_for_staple(const X509& certificate) {
    constexpr long status_request = 5;
    const OwnedFeatures features(static_cast<TLS_FEATURE*>(
        X509_get_ext_d2i(&certificate, NID_tlsfeature, nullptr, nullptr)));
    ERR_clear_error();
    const int count = features == nullptr ? 0 : sk_ASN1_INTEGER_num(features.get());
    for (int index = 0; index < count; ++index) {
        if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features.get(), index)) == status_request) {
            return true;
        }
    }
    return false;
}

struct Said {
    int status = V_OCSP_CERTSTATUS_UNKNOWN;
    std::string why;  // Of an unknown one.
};

// Null: there is none. Who answers chooses the digest by which it names a certificate.
OCSP_SINGLERESP* find_about(const X509& leaf, const X509& issuer, OCSP_BASICRESP* response) {
    const int count = OCSP_resp_count(response);
    for (int index = 0; index < count; ++index) {
        OCSP_SINGLERESP* const each = OCSP_resp_get0(response, index);
        auto* const id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(each));
        ASN1_OBJECT* digest = nullptr;
        OCSP_id_get0_info(nullptr, &digest, nullptr, nullptr, id);
        const EVP_MD* const known = EVP_get_digestbyobj(digest);
        const OwnedId wanted(known != nullptr ? OCSP_cert_to_id(known, &leaf, &issuer) : nullptr);
        if (wanted != nullptr && OCSP_id_cmp(id, wanted.get()) == 0) {
            return each;
        }
    }
    return nullptr;
}

// What the server's staple proves of its certificate.
Said said_by_staple(SSL* ssl) {
    const unsigned char* octets = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(ssl, static_cast<void*>(&octets));
    if (octets == nullptr || size <= 0) {
        return {.why = "no OCSP response came with the certificate"};
    }
    const OwnedBasicResponse response = parse(octets, size);
    STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
    if (response == nullptr || chain == nullptr || sk_X509_num(chain) < 1) {
        return {.why = "the OCSP response is malformed, or an error"};
    }
    X509* const leaf = sk_X509_value(chain, 0);
    X509* const issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
    X509_STORE* const store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    if (OCSP_basic_verify(response.get(), chain, store, 0) != 1) {
        return {.why = "the OCSP response: " + openssl_reason(take_openssl_error())};
    }
    OCSP_SINGLERESP* const about_leaf = find_about(*leaf, *issuer, response.get());
    if (about_leaf == nullptr) {
        return {.why = "the OCSP response is about another certificate"};
    }
    ASN1_GENERALIZEDTIME* from = nullptr;
    ASN1_GENERALIZEDTIME* until = nullptr;
    Said said;
    said.status = OCSP_single_get0_status(about_leaf, nullptr, nullptr, &from, &until);
    if (OCSP_check_validity(from, until, clock_skew_seconds, -1) != 1) {
        return {.why = "the OCSP response: " + openssl_reason(take_openssl_error())};
    }
    said.why = "the issuer does not know the certificate";
    return said;
}

std::unexpected<ContextError> failed(ContextError::Kind kind, const std::string& file,
                                     std::string reason) {
    return std::unexpected(ContextError{kind, file, std::move(reason)});
}

std::expected<std::string, ContextError> response_of(const Identity& identity) {
    using Kind = ContextError::Kind;
    if (identity.ocsp_file.empty()) {
        return identity.ocsp_response;
    }
    if (!identity.ocsp_response.empty()) {
        return failed(Kind::incomplete, {}, "an OCSP response is in a file or is given, not both");
    }
    errno = 0;
    std::ifstream opened(identity.ocsp_file, std::ios::binary);
    if (!opened) {
        return failed(Kind::unreadable, identity.ocsp_file, std::strerror(errno));
    }
    return std::string(std::istreambuf_iterator<char>(opened), {});
}

}  // namespace

std::expected<Staple, ContextError> load_staple(const Identity& identity, const X509& certificate) {
    using Kind = ContextError::Kind;
    std::expected<std::string, ContextError> read = response_of(identity);
    if (!read) {
        return std::unexpected(read.error());
    }
    Staple staple{std::move(*read)};
    const bool is_of_file = !identity.ocsp_file.empty();
    if (!is_of_file && staple.response.empty()) {
        return staple;
    }
    const std::string file = is_of_file ? identity.ocsp_file : "Identity::ocsp_response";
    const OwnedBasicResponse response =
        parse(reinterpret_cast<const unsigned char*>(staple.response.data()),
              static_cast<long>(staple.response.size()));
    if (response == nullptr) {
        return failed(Kind::malformed, file, "no OCSP response that answers, in DER");
    }
    const ASN1_INTEGER* const wanted = X509_get0_serialNumber(&certificate);
    const int count = OCSP_resp_count(response.get());
    for (int index = 0; index < count; ++index) {
        OCSP_SINGLERESP* const each = OCSP_resp_get0(response.get(), index);
        ASN1_INTEGER* serial = nullptr;
        OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial,
                          const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(each)));
        if (ASN1_INTEGER_cmp(serial, wanted) == 0) {
            ASN1_GENERALIZEDTIME* until = nullptr;
            OCSP_single_get0_status(each, nullptr, nullptr, nullptr, &until);
            staple.valid_until =
                until != nullptr ? time_of(until) : std::numeric_limits<std::time_t>::max();
            return staple;
        }
    }
    return failed(Kind::mismatched, file, "it is not about the certificate");
}

std::optional<StapleFlaw> flaw_by_staple(SSL* ssl, bool required) {
    const X509* const certificate = SSL_get0_peer_certificate(ssl);
    if (SSL_session_reused(ssl) == 1 || certificate == nullptr) {
        return std::nullopt;
    }
    ERR_clear_error();
    Said said = said_by_staple(ssl);
    ERR_clear_error();
    if (said.status == V_OCSP_CERTSTATUS_REVOKED) {
        return StapleFlaw{Flaw::revoked, "its issuer has revoked it"};
    }
    if (said.status != V_OCSP_CERTSTATUS_GOOD && (required || asks_for_staple(*certificate))) {
        return StapleFlaw{Flaw::status_unknown, std::move(said.why)};
    }
    return std::nullopt;
}

}  // namespace sluice::tls
