#include "sluice/tests/tls/certificates.h"

#include "sluice/runtime/ensure.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <utility>

namespace sluice::tests {

namespace {

using tls::Frees;
using tls::OwnedBio;
using OwnedBasicResponse = std::unique_ptr<OCSP_BASICRESP, Frees<OCSP_BASICRESP_free>>;
using OwnedExtension = std::unique_ptr<X509_EXTENSION, Frees<X509_EXTENSION_free>>;
using OwnedNames = std::unique_ptr<GENERAL_NAMES, Frees<GENERAL_NAMES_free>>;
using OwnedResponse = std::unique_ptr<OCSP_RESPONSE, Frees<OCSP_RESPONSE_free>>;
using OwnedTime = std::unique_ptr<ASN1_TIME, Frees<ASN1_TIME_free>>;

void extend(X509* certificate, const X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, const_cast<X509*>(issuer), certificate, nullptr, nullptr, 0);
    const OwnedExtension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    ensure(extension != nullptr);
    ensure(X509_add_ext(certificate, extension.get(), -1) == 1);
}

// Each as it is, whatever it holds.
void name(X509* certificate, const std::vector<std::string>& names) {
    const OwnedNames all(sk_GENERAL_NAME_new_null());
    for (const std::string& each : names) {
        std::string kind = each.substr(0, each.find(':'));
        std::string value = each.substr(kind.size() + 1);
        CONF_VALUE wanted{nullptr, kind.data(), value.data()};
        GENERAL_NAME* const made = v2i_GENERAL_NAME(nullptr, nullptr, &wanted);
        ensure(made != nullptr);
        ensure(sk_GENERAL_NAME_push(all.get(), made) > 0);
    }
    ensure(X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, 0) == 1);
}

tls::OwnedKey make_key(Keys keys) {
    switch (keys) {
        case Keys::p_256: return tls::OwnedKey(EVP_EC_gen("P-256"));
        case Keys::ed25519: return tls::OwnedKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
        case Keys::rsa_1024: return tls::OwnedKey(EVP_RSA_gen(1024));
    }
    std::unreachable();
}

tls::Identity write(const Certified& made, const std::string& path) {
    const tls::Identity files{path + ".crt", path + ".key"};
    const OwnedBio certificate(BIO_new_file(files.certificate_file.c_str(), "w"));
    ensure(PEM_write_bio_X509(certificate.get(), made.certificate.get()) == 1);
    const OwnedBio key(BIO_new_file(files.key_file.c_str(), "w"));
    ensure(PEM_write_bio_PrivateKey(key.get(), made.key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) == 1);
    return files;
}

void extend_for(X509* certificate, const X509* issuer, const Wanted& wanted) {
    const bool is_issuer = wanted.purpose == Purpose::issuer;
    extend(certificate, issuer, NID_basic_constraints,
           is_issuer ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(certificate, issuer, NID_subject_key_identifier, "hash");
    if (is_issuer) {
        extend(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
        return;
    }
    extend(certificate, issuer, NID_key_usage, "critical,digitalSignature");
    extend(certificate, issuer, NID_ext_key_usage,
           wanted.purpose == Purpose::server ? "serverAuth" : "clientAuth");
    if (!wanted.names.empty()) {
        name(certificate, wanted.names);
    }
    if (wanted.must_staple) {
        extend(certificate, issuer, NID_tlsfeature, "status_request");
    }
}

}  // namespace

Authority::Authority(std::string_view name, Keys keys)
    : keys_(keys),
      root_(make({.common_name = std::string(name),
                  .names = {},
                  .purpose = Purpose::issuer,
                  .valid_from_days = -30},
                 "root", nullptr)) {}

Certified Authority::certify(const Wanted& wanted, std::string_view file) const {
    return make(wanted, file, &root_);
}

Certified Authority::self_signed(const Wanted& wanted, std::string_view file) const {
    return make(wanted, file, nullptr);
}

std::string Authority::say_of(const Certified& certified, const Authority& issuer,
                              Standing standing, std::string_view file, long for_seconds,
                              const EVP_MD* by) const {
    const OwnedBasicResponse said(OCSP_BASICRESP_new());
    const OwnedTime now(X509_gmtime_adj(nullptr, -60));
    const OwnedTime until(X509_gmtime_adj(nullptr, for_seconds));
    const bool is_revoked = standing == Standing::revoked;
    OCSP_CERTID* const id =
        OCSP_cert_to_id(by, certified.certificate.get(), issuer.root_.certificate.get());
    ensure(OCSP_basic_add1_status(said.get(), id,
                                  is_revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD,
                                  OCSP_REVOKED_STATUS_NOSTATUS, is_revoked ? now.get() : nullptr,
                                  now.get(), until.get()) != nullptr);
    OCSP_CERTID_free(id);
    ensure(OCSP_basic_sign(said.get(), root_.certificate.get(), root_.key.get(), EVP_sha256(),
                           nullptr, 0) == 1);
    const OwnedResponse response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, said.get()));
    const std::string at = path(file);
    const OwnedBio written(BIO_new_file(at.c_str(), "w"));
    ensure(i2d_OCSP_RESPONSE_bio(written.get(), response.get()) == 1);
    return at;
}

Certified Authority::make(const Wanted& wanted, std::string_view file,
                          const Certified* issuer) const {
    const bool is_ed25519 = keys_ == Keys::ed25519;
    Certified made{make_key(keys_), tls::OwnedCertificate(X509_new()), {}};
    ensure(made.key != nullptr);
    X509* const certificate = made.certificate.get();
    const X509* const signer = issuer != nullptr ? issuer->certificate.get() : certificate;
    X509_set_version(certificate, X509_VERSION_3);
    std::uint32_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
    constexpr int day = 24 * 60 * 60;
    X509_gmtime_adj(X509_getm_notBefore(certificate), long{day} * wanted.valid_from_days);
    X509_gmtime_adj(X509_getm_notAfter(certificate), long{day} * wanted.valid_to_days);
    const auto* const name = reinterpret_cast<const unsigned char*>(wanted.common_name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, name, -1,
                               -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    X509_set_pubkey(certificate, made.key.get());
    extend_for(certificate, signer, wanted);
    EVP_PKEY* const signing = issuer != nullptr ? issuer->key.get() : made.key.get();
    // Ed25519 has a digest of its own.
    ensure(X509_sign(certificate, signing, is_ed25519 ? nullptr : EVP_sha256()) > 0);
    made.files = write(made, path(file));
    return made;
}

}  // namespace sluice::tests
