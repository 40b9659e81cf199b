// MessageParser: finds the head of a message in its octets, and takes off the chunked coding.
//
// llhttp reads heads and trailers, strictly. Once they are complete, HeadCheck reads the start line
// a second time and holds the fields that llhttp named against the grammar, and message_head.cc
// tells what they mean: what one parser tolerates and another reads differently never gets through.
// Content of a known length needs no parser: its octets are counted by who reads them.
//
// One object serves one message after another, of one connection or of many. It is small, and it
// stops allocating once it has seen the largest message it will see.
//
// Ownership:    Copies nothing of a head: what it tells are views into the octets given to the last
//               feed_head, or to where moved_to said they went. Trailers are its own.
// Errors:       Final for the message: then only begin_* is valid. After content_too_large from
//               feed_head, and only then, the head may still be read. The octet is named.
// Source:       RFC 9112; RFC 9110 7.2, 7.6.1, 10.1.1.

#pragma once

#include "sluice/http/chunked_decoder.h"
#include "sluice/http/error.h"
#include "sluice/http/fields.h"
#include "sluice/http/framing.h"
#include "sluice/http/head_check.h"
#include "sluice/http/limits.h"
#include "sluice/http/method.h"
#include "sluice/http/status.h"

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

class MessageParser {
public:
    struct HeadStep {
        std::size_t consumed = 0;  // Octets of the head so far, counted from its first.
        bool complete = false;     // Then the content, if any, starts at `consumed`.
    };

    struct BodyStep {
        std::size_t consumed = 0;            // Octets of the input that were used up.
        std::span<const std::byte> content;  // One run among them; may be empty.
        bool finished = false;               // The message ended; trailers() are there.
    };

    explicit MessageParser(const Limits& limits);
    MessageParser(const MessageParser&) = delete;
    MessageParser& operator=(const MessageParser&) = delete;

    void begin_request();

    // The method of the request it answers decides where a response ends. An interim response is a
    // message of its own: begin again, with the same method, for what follows it.
    void begin_response(Method request_method);

    // `head` is everything received of this message, from its first octet, wherever that now lies:
    // a caller whose buffer ends inside the head moves what it has, appends, and calls again.
    // Octets seen before are not read twice. Octets past the head's end are not touched. One empty
    // line before a request line is part of the head (RFC 9112 2.2).
    [[nodiscard]] Result<HeadStep> feed_head(std::span<const std::byte> head);

    // Says where the octets of the head went, so that the views name them there.
    void moved_to(const std::byte* head) noexcept { base_ = reinterpret_cast<const char*>(head); }

    // --- Valid once the head is complete, until begin_* ---

    [[nodiscard]] Method method() const noexcept { return method_; }  // Of the request, both sides.
    [[nodiscard]] std::string_view method_text() const noexcept { return method_text_.in(base_); }
    [[nodiscard]] std::string_view target() const noexcept { return target_.in(base_); }
    [[nodiscard]] TargetForm target_form() const noexcept { return target_form_; }

    // Host and port that the request is for: from an absolute or authority target, which rules, or
    // else from Host. May be empty.
    [[nodiscard]] std::string_view authority() const noexcept { return authority_.in(base_); }

    [[nodiscard]] Status status() const noexcept { return status_; }  // Responses.
    [[nodiscard]] std::string_view reason() const noexcept { return reason_.in(base_); }

    [[nodiscard]] int version_minor() const noexcept { return version_minor_; }  // 0 or 1.
    [[nodiscard]] FieldsView fields() const noexcept { return {base_, lines_}; }
    [[nodiscard]] std::size_t head_octets() const noexcept { return head_octets_; }
    [[nodiscard]] Framing framing() const noexcept { return framing_; }

    // Whether another message may follow this one on the connection (RFC 9112 9.3).
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    // The request carries content and its sender waits for 100 (Continue) before sending it.
    [[nodiscard]] bool expect_continue() const noexcept { return expect_continue_; }
    // Upgrade is offered (request) or done (response 101), and Connection says so.
    [[nodiscard]] bool upgrade() const noexcept { return upgrade_; }

    // --- Only when the framing is chunked ---

    // Decodes up to the next run of content, the message's end or the end of `input`, whichever is
    // first; call again with the rest. It never reads past the message's last octet.
    [[nodiscard]] Result<BodyStep> feed_chunked(std::span<const std::byte> input);

    // Once finished, until begin_*.
    [[nodiscard]] FieldsView trailers() const noexcept {
        return {trailers_.data(), trailer_lines_};
    }

private:
    enum class Place : std::uint8_t {
        head,
        head_end,     // The head is complete.
        chunks,       // Inside the chunked coding.
        trailers,     // Past the last chunk.
        message_end,  // Past the trailers.
        failed,
    };

    struct Callbacks;

    // The target, in a head of which more may come.
    struct TargetSoFar {
        bool begun = false;
        bool ended = false;
        std::size_t begin = 0;
        std::size_t octets = 0;
    };

    void begin(const llhttp_t& fresh);
    Result<void> check_first_octets(std::string_view head);
    Result<std::size_t> run(std::string_view octets, std::size_t offset);
    Result<void> read_head(std::string_view head);
    Result<std::size_t> take_request_line(std::string_view head);
    Result<std::size_t> take_status_line(std::string_view head);
    Result<void> read_facts(std::string_view head);
    Result<void> check_host(std::string_view head, std::string_view host);
    Result<void> agree_on_framing();
    Result<std::size_t> feed_trailers(std::string_view input);
    std::unexpected<Error> fail(const Error& error);
    [[nodiscard]] Error error_of_llhttp(llhttp_errno_t outcome, std::string_view octets,
                                        std::size_t offset) const;
    [[nodiscard]] TargetSoFar target_in(std::string_view head) const noexcept;
    [[nodiscard]] bool exceeds_limit(const TargetSoFar& target) const noexcept;
    [[nodiscard]] Error target_too_long(const TargetSoFar& target) const noexcept;
    [[nodiscard]] std::size_t version_begin(std::string_view head) const noexcept;

    // What the callbacks fill, of the head or of the trailers.
    [[nodiscard]] std::vector<FieldLine>& lines() noexcept {
        return place_ == Place::trailers ? trailer_lines_ : lines_;
    }

    const Limits* limits_;
    llhttp_t llhttp_{};
    const char* input_ = nullptr;   // What llhttp is reading,
    std::size_t input_offset_ = 0;  // and how far into the head or trailers that is.

    const char* base_ = nullptr;
    std::size_t head_octets_ = 0;   // Read so far; in the end, all.
    std::uint32_t head_begin_ = 0;  // Behind the empty line that may stand before a request.
    Part method_text_;
    Part target_;
    Part reason_;
    Part authority_;
    std::vector<FieldLine> lines_;
    std::string valid_host_;  // The last one that was.

    ChunkedDecoder chunked_;
    std::string trailers_;
    std::vector<FieldLine> trailer_lines_;

    Framing framing_;
    std::optional<Error> refusal_;  // By a callback: what llhttp calls an error of its user.
    Status status_{};
    Method method_ = Method::other;
    TargetForm target_form_ = TargetForm::origin;
    Place place_ = Place::failed;
    std::uint8_t version_minor_ = 0;
    bool is_request_ = true;
    bool keep_alive_ = false;
    bool expect_continue_ = false;
    bool upgrade_ = false;
};

}  // namespace sluice::http
