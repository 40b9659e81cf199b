// certificates: certification authorities and certificates, made when a test wants them.
//
// Nothing is kept in the tree: keys that lie in a repository are found by scanners and by people,
// and certificates that lie there expire.

#pragma once

#include "sluice/tests/support/temporary_directory.h"
#include "sluice/tls/openssl_objects.h"
#include "sluice/tls/options.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::tests {

enum class Purpose { server, client, issuer };

// Of ed25519 every signature has one length.
enum class Keys { p_256, ed25519, rsa_1024 };

struct Wanted {
    std::string common_name = "server";
    std::vector<std::string> names = {"DNS:server.example", "IP:127.0.0.1"};
    Purpose purpose = Purpose::server;
    int valid_from_days = -1;
    int valid_to_days = 1;
    bool must_staple = false;
};

// What an authority says of a certificate by OCSP.
enum class Standing { good, revoked };

// A certificate with its key, and the files that hold them.
struct Certified {
    tls::OwnedKey key;
    tls::OwnedCertificate certificate;
    tls::Identity files;
};

// One authority, in a directory of its own.
class Authority {
public:
    explicit Authority(std::string_view name = "root", Keys keys = Keys::p_256);

    // Signs; `file` names its files.
    [[nodiscard]] Certified certify(const Wanted& wanted, std::string_view file) const;
    // By itself alone.
    [[nodiscard]] Certified self_signed(const Wanted& wanted, std::string_view file) const;
    // What it says of a certificate that `issuer` gave out, for so many seconds; yields the file.
    // It names the certificate by SHA-1, as OpenSSL's OCSP does, or by another digest.
    [[nodiscard]] std::string say_of(const Certified& certified, const Authority& issuer,
                                     Standing standing, std::string_view file,
                                     long for_seconds = 3600, const EVP_MD* by = nullptr) const;
    // The authority's own certificate.
    [[nodiscard]] std::string root_file() const { return root_.files.certificate_file; }
    [[nodiscard]] std::string path(std::string_view name) const { return directory_.path(name); }
    [[nodiscard]] const Certified& root() const noexcept { return root_; }

private:
    [[nodiscard]] Certified make(const Wanted& wanted, std::string_view file,
                                 const Certified* issuer) const;

    TemporaryDirectory directory_;
    Keys keys_;
    Certified root_;
};

}  // namespace sluice::tests
