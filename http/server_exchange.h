// ServerExchange: one request being handled, from its first octet to its handler's end; then the
// next, if it has arrived already.
//
// What the handler sees as Request and Responder is this, behind two narrow doors. It reads the
// head where it lies in the receive buffer, and moves it only if it straddles buffers or content
// follows that will take the buffer's place.
//
// Ownership:    Lent to one connection after another; what it has allocated it keeps.
// Threading:    The loop's thread.
// Source:       RFC 9110 8.6, 9.3.2, 10.1.1, 15; RFC 9112 3, 6, 9.

#pragma once

#include "sluice/http/fields.h"
#include "sluice/http/head_writer.h"
#include "sluice/http/limits.h"
#include "sluice/http/message_parser.h"
#include "sluice/http/request.h"
#include "sluice/http/responder.h"
#include "sluice/http/server_connection.h"
#include "sluice/http/server_record.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::http {

class ServerExchange {
public:
    using Next = ServerConnection::Next;

    explicit ServerExchange(const Limits& limits)
        : parser_(limits), request_(*this), responder_(*this) {}
    ServerExchange(ServerExchange&&) = delete;

    // Serves the request that begins with the connection's input, and those that came with it.
    [[nodiscard]] Task<Next> serve(ServerConnection& connection);

    // The client went while this was being served.
    void client_gone() noexcept;

private:
    friend class Request;
    friend class RequestBody;
    friend class Responder;
    friend class ResponseBody;

    enum class Head : std::uint8_t { incomplete, complete, failed };

    // What has become of the response.
    enum class Response : std::uint8_t { none, begun, finished, broken };

    void begin(ServerConnection& connection, ServerRecord& record);
    [[nodiscard]] Outcome& outcome() noexcept { return record_->outcome; }
    [[nodiscard]] const Outcome& outcome() const noexcept { return record_->outcome; }
    [[nodiscard]] ExchangePhase phase() const noexcept;
    void note_gone() noexcept;
    void note_stop() noexcept;

    // The request's head.
    [[nodiscard]] Head parse_head();
    [[nodiscard]] Task<Head> read_rest_of_head();
    void head_is_complete(std::span<const std::byte> head, bool spilled);
    [[nodiscard]] Next head_failed();

    // The request's content.
    [[nodiscard]] Task<sluice::Result<std::span<const std::byte>>> read_content();
    void invite_content();
    [[nodiscard]] sluice::Error content_malformed(sluice::Error error) noexcept;
    [[nodiscard]] sluice::Error input_ended(sluice::Error error) noexcept;
    [[nodiscard]] sluice::Error content_failed(const Cause& cause, sluice::Error error) noexcept;
    [[nodiscard]] bool must_drain() const noexcept;
    [[nodiscard]] Task<> drain_content();

    // The response.
    void respond(Status status, std::string_view content);
    void respond_with_reason(Status status);
    void begin_response(Status status, const Framing& framing);
    [[nodiscard]] ResponseHead decide_head(Status status, const Framing& framing);
    [[nodiscard]] bool must_close() const noexcept;
    void send_interim(Status status, const Fields* fields);
    [[nodiscard]] Task<sluice::Result<void>> write(std::span<const std::byte> octets);
    void append_chunk_head(std::size_t octets);
    [[nodiscard]] sluice::Result<void> end_response();
    [[nodiscard]] Task<sluice::Result<void>> finish_response();
    [[nodiscard]] Task<Outcome> finish(DeliveryLevel level);
    void break_response(const Cause& cause) noexcept;
    void sending_failed(const sluice::Error& error) noexcept;

    // After the handler.
    void settle(bool threw);
    [[nodiscard]] Next next() noexcept;

    MessageParser parser_;
    std::string spill_;  // A head that could not stay where it was received.
    Request request_;
    Responder responder_;
    Fields fields_;
    Fields trailers_;
    ServerConnection* connection_ = nullptr;
    ServerRecord* record_ = nullptr;
    std::optional<StopSource> stop_;        // Of the handler.
    std::optional<Error> head_error_;       // Why there is no request.
    std::optional<Status> content_status_;  // What a client is owed whose content failed.
    std::uint64_t length_left_ = 0;         // Of the response's declared length.
    Framing response_framing_;
    Method method_ = Method::get;
    Response response_ = Response::none;
    bool response_has_content_ = false;  // Its content goes on the wire.
    bool chunk_open_ = false;            // The CRLF behind the last chunk is still owed.
    bool invited_ = false;               // The client has what it waits for to send its content.
    bool reading_ = false;
    bool close_ = false;
    bool client_gone_ = false;
    bool gone_noted_ = false;  // The record says that it is gone, and the handler was told.
    bool stop_noted_ = false;  // The record says that we gave up.
};

}  // namespace sluice::http
