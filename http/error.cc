#include "sluice/http/error.h"

#include <utility>

namespace sluice::http {

std::optional<Status> status_of(Errc code) noexcept {
    switch (code) {
        case Errc::head_malformed:
        case Errc::target_malformed:
        case Errc::host_invalid:
        case Errc::length_malformed:
        case Errc::framing_ambiguous:
        case Errc::chunk_malformed:
        case Errc::chunk_extension_too_large:
        case Errc::trailers_malformed: return Status::bad_request;
        case Errc::content_too_large: return Status::content_too_large;
        case Errc::target_too_long: return Status::uri_too_long;
        case Errc::expectation_failed: return Status::expectation_failed;
        case Errc::head_too_large:
        case Errc::fields_too_many:
        case Errc::trailers_too_large: return Status::request_header_fields_too_large;
        case Errc::method_unknown:
        case Errc::transfer_coding_unsupported: return Status::not_implemented;
        case Errc::version_unsupported: return Status::http_version_not_supported;

        // The stream is gone, or the mistake is on our side of it.
        case Errc::transport:
        case Errc::message_truncated:
        case Errc::field_invalid:
        case Errc::field_reserved:
        case Errc::url_malformed: return std::nullopt;
    }
    std::unreachable();
}

std::string_view describe(Errc code) noexcept {
    switch (code) {
        case Errc::transport: return "the transport failed";
        case Errc::message_truncated: return "the message was cut short";
        case Errc::head_malformed: return "the head is malformed";
        case Errc::head_too_large: return "the head is too large";
        case Errc::target_malformed: return "the request target is malformed";
        case Errc::target_too_long: return "the request target is too long";
        case Errc::method_unknown: return "the method is unknown";
        case Errc::version_unsupported: return "the HTTP version is not supported";
        case Errc::fields_too_many: return "the head has too many fields";
        case Errc::host_invalid: return "Host is missing, repeated or malformed";
        case Errc::length_malformed: return "Content-Length is malformed";
        case Errc::framing_ambiguous: return "the content's length is ambiguous";
        case Errc::transfer_coding_unsupported: return "the transfer coding is not supported";
        case Errc::expectation_failed: return "the expectation cannot be met";
        case Errc::content_too_large: return "the content is too large";
        case Errc::chunk_malformed: return "the chunked coding is malformed";
        case Errc::chunk_extension_too_large: return "the chunk extensions are too large";
        case Errc::trailers_malformed: return "the trailers are malformed";
        case Errc::trailers_too_large: return "the trailers are too large";
        case Errc::field_invalid: return "the field name or value is invalid";
        case Errc::field_reserved: return "the field is reserved to the library";
        case Errc::url_malformed: return "the URL is malformed";
    }
    std::unreachable();
}

}  // namespace sluice::http
