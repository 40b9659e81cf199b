#include "sluice/tls/own_certificate.h"

#include "sluice/tls/openssl_objects.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>

namespace sluice::tls {

namespace {

using OwnedExtension = std::unique_ptr<X509_EXTENSION, Frees<X509_EXTENSION_free>>;

bool sign(X509* certificate, EVP_PKEY* key) {
    constexpr long day = 24L * 60 * 60;
    const auto* const name = reinterpret_cast<const unsigned char*>("Sluice's own");
    X509_NAME* const subject = X509_get_subject_name(certificate);
    const OwnedExtension names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1"));
    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -day) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), day) != nullptr &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           X509_set_pubkey(certificate, key) == 1 && names != nullptr &&
           X509_add_ext(certificate, names.get(), -1) == 1 &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

// What nobody else may read. Null: it cannot be made.
BIO* own_file(const std::string& file) {
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    const int fd = ::open(file.c_str(), flags, S_IRUSR | S_IWUSR);
    return fd < 0 ? nullptr : BIO_new_fd(fd, BIO_CLOSE);
}

}  // namespace

std::optional<Identity> make_own_certificate(const std::string& directory) {
    const Identity files{directory + "/store.pem", directory + "/store.key"};
    const OwnedKey key(EVP_EC_gen("P-256"));
    const OwnedCertificate certificate(X509_new());
    const OwnedBio certificate_file(BIO_new_file(files.certificate_file.c_str(), "w"));
    const OwnedBio key_file(own_file(files.key_file));
    const bool is_made = key != nullptr && certificate != nullptr && certificate_file != nullptr &&
                         key_file != nullptr && sign(certificate.get(), key.get()) &&
                         PEM_write_bio_X509(certificate_file.get(), certificate.get()) == 1 &&
                         PEM_write_bio_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0,
                                                  nullptr, nullptr) == 1;
    ERR_clear_error();
    return is_made ? std::optional(files) : std::nullopt;
}

}  // namespace sluice::tls
