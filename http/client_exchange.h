// ClientExchange: one request of a client and its response, from begin() to the outcome.
//
// All that is known of the exchange is here; its connection only tells it that something arrived,
// was accepted or broke, and none of that needs a coroutine of its own. Objects are used again for
// later exchanges, so that after warm-up an exchange allocates nothing.
//
// Ownership:    The pool owns it. The application's handle and the connection borrow it; it is free
//               again when the handle is gone and the exchange has ended.
// Completion:   Ends once: when the response is complete and the request accepted, or when what was
//               in flight has ended after a failure. What came meanwhile is merged into the record.
// Threading:    The loop's thread. One writer and one reader at a time.
// Source:       RFC 9110 10.1.1, 15.2; RFC 9112 6.3, 9; outcomes.md traps 10, 12, 13, 18.

#pragma once

#include "sluice/http/cause.h"
#include "sluice/http/client_request.h"
#include "sluice/http/fields.h"
#include "sluice/http/message_parser.h"
#include "sluice/http/outcome.h"
#include "sluice/http/response.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/received.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/timers.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sluice::http {

class ClientConnection;
class ClientPool;
struct ClientOptions;
struct ClientOrigin;
struct ConnectAttempt;

class ClientExchange final {
public:
    explicit ClientExchange(ClientPool& pool);
    ClientExchange(ClientExchange&&) = delete;

    // --- For the pool ---

    // Takes over what `request` says; it must have no error.
    void prepare(const ClientRequest& request, ClientOrigin& origin);
    // For a request that goes nowhere: `error`, if it is about the request itself.
    void prepare_refusal(const std::optional<Error>& error) noexcept;

    [[nodiscard]] ClientOrigin& origin() noexcept { return *origin_; }
    [[nodiscard]] bool has_ended() const noexcept { return stage_ == Stage::ended; }
    [[nodiscard]] bool has_failed() const noexcept { return failed_; }
    [[nodiscard]] bool needs_fresh_connection() const noexcept { return !attempts_.empty(); }
    void wait_for_turn();
    void connect_failed(const sluice::Error& error);

    // The attempt that connects for this exchange, if one does. The pool's.
    ConnectAttempt* attempt = nullptr;

    // --- For the connection ---

    // The connection is ours: sends the head, and content that the request brought.
    void assigned(ClientConnection& connection);
    // Something arrived, ended, or a limit passed.
    void look();
    void request_accepted();
    void sending_failed(const sluice::Error& error);
    [[nodiscard]] bool is_writing() const noexcept { return write_stop_ != nullptr; }
    // The connection closes: takes what has arrived by now.
    void take_last_input();
    // It is closed, and nothing of the exchange is in flight any more.
    void disconnected();
    [[nodiscard]] Outcome& outcome_record() noexcept { return outcome_; }

    // --- For the application's handle ---

    Task<sluice::Result<void>> write(std::span<const std::byte> octets);
    Task<sluice::Result<void>> finish();
    void abort_content() noexcept;
    Task<sluice::Result<Response>> response();
    Task<sluice::Result<std::span<const std::byte>>> read();
    Task<Outcome> outcome();

    // Records the first reason and closes the connection, if there is one.
    void fail(const Cause& cause);
    void abort(Mechanism why);
    void handle_gone();

    [[nodiscard]] ByteSink& request_body() noexcept { return request_body_; }
    [[nodiscard]] ByteSource& response_body() noexcept { return response_body_; }
    [[nodiscard]] Fields& request_trailers() noexcept { return trailers_; }
    [[nodiscard]] const MessageParser& parser() const noexcept { return parser_; }
    [[nodiscard]] const Outcome& record() const noexcept { return outcome_; }
    [[nodiscard]] std::span<const Outcome> attempts() const noexcept;
    [[nodiscard]] const std::optional<Error>& message_error() const noexcept {
        return message_error_;
    }

    // What is being done now, for causes.
    [[nodiscard]] ExchangePhase phase() const noexcept;

private:
    enum class Stage : std::uint8_t { unused, waiting, connected, ended };

    // What the limit is for.
    enum class Awaited : std::uint8_t {
        nothing,
        connection,
        go_ahead,    // 100 (Continue)
        first_byte,  // Of a response.
        more_bytes,
        acceptance,  // Of a request that is handed over, though its response is complete.
    };

    enum class Input : std::uint8_t { octets, nothing, ended };

    class Limit final : public Timer {
    public:
        explicit Limit(ClientExchange& exchange) noexcept : exchange_(exchange) {}
        void fired() noexcept override {
            passed = true;
            exchange_.limit_passed();
        }
        bool passed = false;

    private:
        ClientExchange& exchange_;
    };

    class RequestBody final : public ByteSink {
    public:
        explicit RequestBody(ClientExchange& exchange) noexcept : exchange_(exchange) {}
        Task<sluice::Result<void>> write(std::span<const std::byte> octets) override {
            return exchange_.write(octets);
        }
        Task<sluice::Result<void>> finish() override { return exchange_.finish(); }
        void abort() noexcept override { exchange_.abort_content(); }

    private:
        ClientExchange& exchange_;
    };

    class ResponseBody final : public ByteSource {
    public:
        explicit ResponseBody(ClientExchange& exchange) noexcept : exchange_(exchange) {}
        Task<sluice::Result<std::span<const std::byte>>> read() override {
            return exchange_.read();
        }

    private:
        ClientExchange& exchange_;
    };

    using Content = std::optional<sluice::Result<std::span<const std::byte>>>;

    void reset() noexcept;
    void begin_attempt();
    void end();
    [[nodiscard]] bool may_retry_now() const noexcept;

    void wait_for(Awaited awaited);
    void limit_passed() noexcept;
    void judge_limits();
    [[nodiscard]] sluice::Error error() const noexcept;
    [[nodiscard]] sluice::Error error_of_reading() const noexcept;

    [[nodiscard]] bool may_write() const noexcept;
    [[nodiscard]] bool can_never_write() const noexcept;
    [[nodiscard]] sluice::Error error_of_writing() const noexcept;
    void append_chunk_head(std::uint64_t octets);
    void end_request();
    [[nodiscard]] bool accepted_as_declared() const noexcept;
    [[nodiscard]] bool lacks_only_its_end() const noexcept;
    void stop_sending();
    Task<sluice::Result<void>> send_content(std::span<const std::byte> octets);
    Task<> send_own_content();

    [[nodiscard]] Input receive();
    void read_heads();
    void read_head();
    void took_head();
    void took_interim();
    void took_final();
    void input_ended(const sluice::Error& error);
    void malformed(const Error& error);
    void take_ahead();
    [[nodiscard]] Content next_content();
    [[nodiscard]] Content take_content();
    void let_go_of_content() noexcept;
    void completed();
    void settle();
    [[nodiscard]] bool is_answered() const noexcept {
        return outcome_.receive.phase == ReceivePhase::complete;
    }

    ClientPool& pool_;
    const ClientOptions& options_;
    ClientOrigin* origin_ = nullptr;
    ClientConnection* connection_ = nullptr;

    // The request, as it is sent at each attempt.
    std::string head_;
    std::shared_ptr<const std::string> content_;
    ClientRequest::InterimListener on_interim_;
    Fields trailers_;
    Framing framing_;
    Method method_ = Method::get;
    bool expect_continue_ = false;
    bool close_connection_ = false;

    Stage stage_ = Stage::unused;
    Awaited awaited_ = Awaited::nothing;
    bool has_handle_ = false;
    bool failed_ = false;         // It ends as soon as nothing is in flight.
    bool go_ahead_ = false;       // Content may be sent.
    bool request_ended_ = false;  // Nothing more will be appended to the request.
    bool chunk_open_ = false;     // The end of a chunk is still to be sent.
    bool send_failed_ = false;
    bool has_head_ = false;  // The final response's.
    bool wants_content_ = false;
    std::size_t interims_ = 0;
    std::size_t lent_ = 0;  // Octets at the front of the input that the application reads.
    std::uint64_t content_left_ = 0;

    std::string head_octets_;  // Of the response.
    Received input_;           // What follows them.
    MessageParser parser_;
    Content pulled_;  // Taken off the input for a reader that waits, or comes later.
    std::optional<Error> message_error_;
    StopSource* write_stop_ = nullptr;

    Event writer_;
    Event reader_;
    Limit limit_{*this};
    Limit total_limit_{*this};
    RequestBody request_body_{*this};
    ResponseBody response_body_{*this};

    Outcome outcome_;
    std::vector<Outcome> attempts_;  // That have ended.
};

}  // namespace sluice::http
