#!/bin/bash
# links_test PLAIN TLS: a program without TLS has no OpenSSL in it, and one with TLS has the monorepo's.
set -euo pipefail
plain=$1 tls=$2

has_openssl() { nm --defined-only "$1" | grep -E ' (SSL_new|EVP_DigestInit_ex)$'; }
loads_openssl() { ldd "$1" | grep -E 'libssl|libcrypto'; }

if has_openssl "$plain" || loads_openssl "$plain"; then
    echo "the plain program links OpenSSL"
    exit 1
fi
if loads_openssl "$tls" || ! has_openssl "$tls" >/dev/null; then
    echo "the TLS program has not the monorepo's OpenSSL in it"
    exit 1
fi
