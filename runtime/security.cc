#include "sluice/runtime/security.h"

#include <utility>

namespace sluice {

std::string_view name(TlsVersion version) noexcept {
    switch (version) {
        case TlsVersion::tls_1_2: return "TLSv1.2";
        case TlsVersion::tls_1_3: return "TLSv1.3";
    }
    std::unreachable();
}

std::string_view name(Alert alert) noexcept {
    switch (alert) {
        case Alert::close_notify: return "close_notify";
        case Alert::unexpected_message: return "unexpected_message";
        case Alert::bad_record_mac: return "bad_record_mac";
        case Alert::record_overflow: return "record_overflow";
        case Alert::handshake_failure: return "handshake_failure";
        case Alert::bad_certificate: return "bad_certificate";
        case Alert::unsupported_certificate: return "unsupported_certificate";
        case Alert::certificate_revoked: return "certificate_revoked";
        case Alert::certificate_expired: return "certificate_expired";
        case Alert::certificate_unknown: return "certificate_unknown";
        case Alert::illegal_parameter: return "illegal_parameter";
        case Alert::unknown_ca: return "unknown_ca";
        case Alert::access_denied: return "access_denied";
        case Alert::decode_error: return "decode_error";
        case Alert::decrypt_error: return "decrypt_error";
        case Alert::protocol_version: return "protocol_version";
        case Alert::insufficient_security: return "insufficient_security";
        case Alert::internal_error: return "internal_error";
        case Alert::inappropriate_fallback: return "inappropriate_fallback";
        case Alert::user_canceled: return "user_canceled";
        case Alert::no_renegotiation: return "no_renegotiation";
        case Alert::missing_extension: return "missing_extension";
        case Alert::unsupported_extension: return "unsupported_extension";
        case Alert::unrecognized_name: return "unrecognized_name";
        case Alert::bad_certificate_status_response: return "bad_certificate_status_response";
        case Alert::unknown_psk_identity: return "unknown_psk_identity";
        case Alert::certificate_required: return "certificate_required";
        case Alert::no_application_protocol: return "no_application_protocol";
    }
    return "unknown";
}

std::string_view name(Flaw flaw) noexcept {
    switch (flaw) {
        case Flaw::none: return "none";
        case Flaw::missing: return "missing";
        case Flaw::expired: return "expired";
        case Flaw::not_yet_valid: return "not_yet_valid";
        case Flaw::wrong_name: return "wrong_name";
        case Flaw::self_signed: return "self_signed";
        case Flaw::unknown_issuer: return "unknown_issuer";
        case Flaw::wrong_purpose: return "wrong_purpose";
        case Flaw::bad_signature: return "bad_signature";
        case Flaw::too_weak: return "too_weak";
        case Flaw::revoked: return "revoked";
        case Flaw::status_unknown: return "status_unknown";
        case Flaw::chain_too_long: return "chain_too_long";
        case Flaw::other: return "other";
    }
    std::unreachable();
}

std::string_view describe(Flaw flaw) noexcept {
    switch (flaw) {
        case Flaw::none: return "no flaw";
        case Flaw::missing: return "none was sent";
        case Flaw::expired: return "it has expired";
        case Flaw::not_yet_valid: return "it is not valid yet";
        case Flaw::wrong_name: return "it is for another name";
        case Flaw::self_signed: return "it is signed by itself, or by a root that is not trusted";
        case Flaw::unknown_issuer: return "its issuer is not known";
        case Flaw::wrong_purpose: return "it may not be used for this";
        case Flaw::bad_signature: return "its signature is wrong";
        case Flaw::too_weak: return "its key or digest is too weak";
        case Flaw::revoked: return "it was revoked";
        case Flaw::status_unknown: return "nobody says that it is not revoked";
        case Flaw::chain_too_long: return "its chain is too long";
        case Flaw::other: return "it failed a check";
    }
    std::unreachable();
}

}  // namespace sluice
