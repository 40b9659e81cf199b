// Sha256: the SHA-256 of octets that come in pieces, by OpenSSL.
//
// A Hasher, as runtime's hashed() wants one: runtime itself links no OpenSSL.
//
// Ownership:    Octets are read within the call. One allocation, at construction.
// Errors:       None. OpenSSL without SHA-256, or without memory for its state, stops the process.
// Threading:    One thread at a time.
// Source:       FIPS 180-4; EVP_DigestInit(3).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

// OpenSSL's EVP_MD_CTX, so that our users need none of its headers.
struct evp_md_ctx_st;

namespace sluice::tls {

class Sha256 {
public:
    using Digest = std::array<std::byte, 32>;

    Sha256();

    void update(std::span<const std::byte> octets);

    // The digest of everything since construction or since the last finish(); a new message begins.
    [[nodiscard]] Digest finish();

private:
    struct Release {
        void operator()(evp_md_ctx_st* context) const;
    };

    void begin();

    std::unique_ptr<evp_md_ctx_st, Release> context_;
};

// Two lower-case hexadecimal digits an octet, as sha256sum prints it.
[[nodiscard]] std::string hex(std::span<const std::byte> octets);

}  // namespace sluice::tls
