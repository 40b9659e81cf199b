// Identity: a certificate and its key, by the files that hold them.

#pragma once

#include <string>

namespace sluice::tls {

// PEM. The certificate comes first in its file; those of its issuers may follow.
struct Identity {
    std::string certificate_file;
    std::string key_file;
    // Of a server: what the certificate's issuer says of it these days (OCSP, in DER). Clients are
    // handed it for as long as it holds, so that they need not ask.
    std::string ocsp_file = {};
    // The same by its octets, of a program that asks the issuer itself. A CertificateChooser can
    // show the certificate with a newer one.
    std::string ocsp_response = {};
};

}  // namespace sluice::tls
