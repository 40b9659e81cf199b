// Security: what TLS tells those above it, who know no TLS and link none.
//
// Plain data and names. tls/ fills it in; http/ puts it in requests and outcomes.
//
// Source:       RFC 8446 section 6 (alerts), RFC 5280 (certificates), RFC 9525 (names).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

// Numbers of TLS's own registry; others may come.
enum class Alert : std::uint8_t {
    close_notify = 0,
    unexpected_message = 10,
    bad_record_mac = 20,
    record_overflow = 22,
    handshake_failure = 40,
    bad_certificate = 42,
    unsupported_certificate = 43,
    certificate_revoked = 44,
    certificate_expired = 45,
    certificate_unknown = 46,
    illegal_parameter = 47,
    unknown_ca = 48,
    access_denied = 49,
    decode_error = 50,
    decrypt_error = 51,
    protocol_version = 70,
    insufficient_security = 71,
    internal_error = 80,
    inappropriate_fallback = 86,
    user_canceled = 90,
    no_renegotiation = 100,
    missing_extension = 109,
    unsupported_extension = 110,
    unrecognized_name = 112,
    bad_certificate_status_response = 113,
    unknown_psk_identity = 115,
    certificate_required = 116,
    no_application_protocol = 120,
};

// The check that a certificate, or its chain, did not pass.
enum class Flaw : std::uint8_t {
    none,
    missing,         // The peer sent none.
    expired,         // Or one of its issuers is.
    not_yet_valid,   // By our clock.
    wrong_name,      // It is somebody else's.
    self_signed,     // Nobody vouches for it, or for the root it came with.
    unknown_issuer,  // Who signed it is not in our store, and was not sent.
    wrong_purpose,   // It may not be used for this: a client's as a server's, a leaf as an issuer.
    bad_signature,
    too_weak,        // Its key, or the digest that it is signed with.
    revoked,         // Its issuer has taken it back.
    status_unknown,  // Nobody says that it is not revoked, and we were asked to insist on that.
    chain_too_long,
    other,
};

struct PeerCertificate {
    std::string subject;  // "CN=client 7,O=Example", as of RFC 2253.
    // Its subjectAltNames: "DNS:a.example", "IP:::1", "email:...", "URI:...", with their octets as
    // they are, which may be any: a name that is shown wants escaping, one that is compared not.
    std::vector<std::string> names;
    std::array<std::byte, 32> fingerprint{};  // The SHA-256 of its DER form.
    bool is_verified = false;  // Its chain, against the store; of a server's also the name.
};

struct SecurityFacts {
    TlsVersion version = TlsVersion::tls_1_3;
    bool is_resumed = false;
    std::string_view suite;   // "TLS_AES_256_GCM_SHA384", for as long as the process lives.
    std::string protocol;     // What ALPN agreed on: "http/1.1", or empty.
    std::string server_name;  // SNI: the host that the client asked for, or empty.
    std::optional<PeerCertificate> peer;
};

// "TLSv1.3", as OpenSSL and others write it.
[[nodiscard]] std::string_view name(TlsVersion version) noexcept;
// As in the RFC: "handshake_failure"; "unknown" of a number that is not listed.
[[nodiscard]] std::string_view name(Alert alert) noexcept;
// The enumerator's own spelling.
[[nodiscard]] std::string_view name(Flaw flaw) noexcept;
// A phrase for people.
[[nodiscard]] std::string_view describe(Flaw flaw) noexcept;

}  // namespace sluice
