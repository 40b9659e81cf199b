// ClientRequest: what a client is to ask for, put together in one expression.
//
//     client.begin(http::put("http://store.example/o/film").length(octets).expect_continue())
//
// Nothing fails on the way: what is wrong with a URL, a method or a field is kept, and the exchange
// that was to send it is refused, with the reason.
//
// Ownership:    Copies what it is given. Copies of it share its content. It may be sent many times.
// Source:       RFC 9110 6, 9, 10.1.1; RFC 9112 3.2, 6.

#pragma once

#include "sluice/http/error.h"
#include "sluice/http/fields.h"
#include "sluice/http/framing.h"
#include "sluice/http/method.h"
#include "sluice/http/status.h"
#include "sluice/http/url.h"
#include "sluice/runtime/clock.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::http {

class ClientRequest {
public:
    // Told of a 1xx response. The fields live until it returns.
    using InterimListener = std::function<void(Status status, FieldsView fields)>;

    // `method` is a token, in the case that it is to have on the wire.
    ClientRequest(std::string_view method, std::string_view url);
    ClientRequest(Method method, std::string_view url);

    // The content will be written to the exchange's body(): this many octets, no less and no more
    // ...
    ClientRequest& length(std::uint64_t octets);
    // ... or as many as come.
    ClientRequest& chunked();
    // The content is this, and the exchange sends it by itself. It can be sent again.
    ClientRequest& content(std::string octets);
    ClientRequest& content(std::span<const std::byte> octets);

    // Content waits for 100 (Continue), for a bounded time.
    ClientRequest& expect_continue();

    // Appends a field. What frames the message or rules the connection cannot be given by name.
    ClientRequest& field(std::string_view name, std::string_view value);
    // Replaces all fields.
    ClientRequest& fields(Fields fields);

    // The connection is not used for another request.
    ClientRequest& close_connection();

    // For the whole exchange, from begin() to its end, retries included.
    ClientRequest& total_max(Duration limit);

    ClientRequest& on_interim(InterimListener listener);

    // --- What it has become ---

    // Why it cannot be sent, if it cannot.
    [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
    [[nodiscard]] Method method() const noexcept { return method_; }
    [[nodiscard]] std::string_view method_text() const noexcept;
    [[nodiscard]] const Url& url() const noexcept { return url_; }
    [[nodiscard]] Framing framing() const noexcept { return framing_; }
    [[nodiscard]] const Fields& fields() const noexcept { return fields_; }
    // None: the content is written to the body(), or there is none.
    [[nodiscard]] const std::shared_ptr<const std::string>& content() const noexcept {
        return content_;
    }
    // Only where there is content to wait with.
    [[nodiscard]] bool expects_continue() const noexcept;
    [[nodiscard]] bool closes_connection() const noexcept { return close_connection_; }
    [[nodiscard]] std::optional<Duration> total_max() const noexcept { return total_max_; }
    [[nodiscard]] const InterimListener& interim_listener() const noexcept { return on_interim_; }

private:
    void refuse(const Error& error);

    Method method_;
    bool expect_continue_ = false;
    bool close_connection_ = false;
    Framing framing_;
    std::string method_text_;  // Only of Method::other.
    Url url_;
    Fields fields_;
    std::shared_ptr<const std::string> content_;
    std::optional<Duration> total_max_;
    InterimListener on_interim_;
    std::optional<Error> error_;
};

[[nodiscard]] ClientRequest get(std::string_view url);
[[nodiscard]] ClientRequest head(std::string_view url);
[[nodiscard]] ClientRequest put(std::string_view url);
[[nodiscard]] ClientRequest post(std::string_view url);
[[nodiscard]] ClientRequest delete_(std::string_view url);
[[nodiscard]] ClientRequest request(std::string_view method, std::string_view url);

}  // namespace sluice::http
