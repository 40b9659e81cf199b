// Methods, statuses and what errors are answered with: the vocabulary of a message.

#include "sluice/http/status.h"

#include "sluice/http/error.h"
#include "sluice/tests/catch.h"

#include <string_view>

namespace sluice::http {
namespace {

TEST_CASE("method: tokens are known in their own case alone", "[http][rfc9110-9.1]") {
    for (const Method method :
         {Method::get, Method::head, Method::put, Method::post, Method::delete_, Method::options,
          Method::patch, Method::trace, Method::connect}) {
        CHECK(method_of(token_of(method)) == method);
    }
    for (const std::string_view token : {"", "get", "GETS", "GE", "PROPFIND"}) {
        CHECK(method_of(token) == Method::other);
    }
}

TEST_CASE("method: only what may be repeated is idempotent", "[http][rfc9110-9.2.2]") {
    CHECK(is_idempotent(Method::put));
    CHECK(is_idempotent(Method::delete_));
    CHECK(is_idempotent(Method::get));
    CHECK(!is_idempotent(Method::post));
    CHECK(!is_idempotent(Method::patch));
    CHECK(!is_idempotent(Method::connect));
    CHECK(!is_idempotent(Method::other));
}

TEST_CASE("status: every code between 100 and 999 is in one class", "[http][rfc9110-15]") {
    for (std::uint16_t code = 100; code < 1000; ++code) {
        const auto status = static_cast<Status>(code);
        CAPTURE(code);
        CHECK(is_informational(status) + is_successful(status) + is_redirection(status) +
                  is_client_error(status) + is_server_error(status) ==
              1);
    }
    CHECK(reason_of(Status::content_too_large) == "Content Too Large");
    CHECK(reason_of(static_cast<Status>(299)).empty());
}

TEST_CASE("error: a request's fault is answered with the status that names it",
          "[http][rfc9110-15]") {
    struct Row {
        Errc code;
        Status status;
    };
    const Row rows[] = {
        {Errc::head_malformed, Status::bad_request},
        {Errc::framing_ambiguous, Status::bad_request},
        {Errc::host_invalid, Status::bad_request},
        {Errc::content_too_large, Status::content_too_large},
        {Errc::target_too_long, Status::uri_too_long},
        {Errc::expectation_failed, Status::expectation_failed},
        {Errc::head_too_large, Status::request_header_fields_too_large},
        {Errc::fields_too_many, Status::request_header_fields_too_large},
        {Errc::method_unknown, Status::not_implemented},
        {Errc::transfer_coding_unsupported, Status::not_implemented},
        {Errc::version_unsupported, Status::http_version_not_supported},
    };
    for (const Row& row : rows) {
        CAPTURE(describe(row.code));
        CHECK(status_of(row.code) == row.status);
    }
    CHECK(!status_of(Errc::transport));
    CHECK(!status_of(Errc::message_truncated));
}

}  // namespace
}  // namespace sluice::http
