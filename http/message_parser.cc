#include "sluice/http/message_parser.h"

#include "sluice/http/octets.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <limits>

namespace sluice::http {

static_assert(LLHTTP_VERSION_MAJOR >= 8);
#if LLHTTP_VERSION_MAJOR == 8
static_assert(LLHTTP_STRICT_MODE == 1, "llhttp 8 is loose unless its sources are built strict");
#endif

namespace {

bool names_unsupported_version(std::string_view text) {
    return text.size() >= version_octets && text.starts_with("HTTP/") && is_digit(text[5]) &&
           text[6] == '.' && is_digit(text[7]) && (text[5] != '1' || text[7] > '1');
}

}  // namespace

// What llhttp calls while it reads: each notes an offset, none copies.
struct MessageParser::Callbacks {
    static MessageParser& parser(llhttp_t* llhttp) {
        return *static_cast<MessageParser*>(llhttp->data);
    }

    static std::uint32_t offset(const MessageParser& parser, const char* at) {
        return static_cast<std::uint32_t>(parser.input_offset_ +
                                          static_cast<std::size_t>(at - parser.input_));
    }

    // A part comes in as many pieces as the head; they follow one another. Between two names there
    // is a colon at least.
    static int on_name(llhttp_t* llhttp, const char* at, std::size_t size) {
        MessageParser& self = parser(llhttp);
        std::vector<FieldLine>& lines = self.lines();
        const std::uint32_t begin = offset(self, at);
        if (lines.empty() || begin != lines.back().name_offset + lines.back().name_octets) {
            if (lines.size() == self.limits_->fields_max) {
                const bool is_trailer = self.place_ == Place::trailers;
                self.refusal_ =
                    Error{is_trailer ? Errc::trailers_too_large : Errc::fields_too_many, begin};
                return HPE_USER;
            }
            lines.push_back({.name_offset = begin});
        }
        lines.back().name_octets += static_cast<std::uint32_t>(size);
        return 0;
    }

    static int on_value(llhttp_t* llhttp, const char* at, std::size_t size) {
        MessageParser& self = parser(llhttp);
        FieldLine& line = self.lines().back();
        if (line.value_octets == 0) {
            line.value_offset = offset(self, at);
        }
        line.value_octets += static_cast<std::uint32_t>(size);
        return 0;
    }

    static int on_head_complete(llhttp_t* llhttp) {
        parser(llhttp).place_ = Place::head_end;
        return HPE_PAUSED;
    }

    static int on_message_complete(llhttp_t* llhttp) {
        parser(llhttp).place_ = Place::message_end;
        return HPE_PAUSED;
    }

    static llhttp_settings_t settings() {
        llhttp_settings_t settings;
        llhttp_settings_init(&settings);
        settings.on_header_field = on_name;
        settings.on_header_value = on_value;
        settings.on_headers_complete = on_head_complete;
        settings.on_message_complete = on_message_complete;
        return settings;
    }

    // An llhttp that has read nothing. To copy it is quicker than llhttp_init().
    static llhttp_t fresh(llhttp_type_t type) {
        static const llhttp_settings_t settings = Callbacks::settings();
        llhttp_t llhttp;
        llhttp_init(&llhttp, type, &settings);
        return llhttp;
    }
};

MessageParser::MessageParser(const Limits& limits) : limits_(&limits), chunked_(limits) {
    ensure(limits.head_octets_max <= std::numeric_limits<std::uint32_t>::max());
    ensure(limits.trailer_octets_max <= std::numeric_limits<std::uint32_t>::max());
}

void MessageParser::begin_request() {
    static const llhttp_t fresh = Callbacks::fresh(HTTP_REQUEST);
    begin(fresh);
    is_request_ = true;
    method_ = Method::other;
}

void MessageParser::begin_response(Method request_method) {
    static const llhttp_t fresh = Callbacks::fresh(HTTP_RESPONSE);
    begin(fresh);
    is_request_ = false;
    method_ = request_method;
}

void MessageParser::begin(const llhttp_t& fresh) {
    llhttp_ = fresh;
    llhttp_.data = this;
    base_ = nullptr;
    head_octets_ = 0;
    head_begin_ = 0;
    method_text_ = {};
    target_ = {};
    reason_ = {};
    authority_ = {};
    lines_.clear();
    trailers_.clear();
    trailer_lines_.clear();
    framing_ = {};
    refusal_.reset();
    status_ = {};
    target_form_ = TargetForm::origin;
    place_ = Place::head;
    version_minor_ = 0;
    keep_alive_ = false;
    expect_continue_ = false;
    upgrade_ = false;
}

Result<MessageParser::HeadStep> MessageParser::feed_head(std::span<const std::byte> head) {
    ensure(place_ < Place::head_end);
    ensure(head.size() >= head_octets_);

    const std::string_view octets =
        text_of(head.first(std::min(head.size(), limits_->head_octets_max)));
    base_ = octets.data();
    if (const Result<void> first = check_first_octets(octets); !first) {
        return fail(first.error());
    }
    const Result<std::size_t> read = run(octets.substr(head_octets_), head_octets_);
    if (!read) {
        const TargetSoFar target = target_in(octets.substr(0, read.error().octet));
        return fail(exceeds_limit(target) ? target_too_long(target) : read.error());
    }
    head_octets_ += *read;
    if (place_ == Place::head_end) {
        if (const Result<void> checked = read_head(octets.substr(0, head_octets_)); !checked) {
            return fail(checked.error());
        }
        return HeadStep{head_octets_, true};
    }
    const TargetSoFar target = target_in(octets);
    if (exceeds_limit(target)) {
        return fail(target_too_long(target));
    }
    if (head_octets_ == limits_->head_octets_max) {
        const bool in_target = target.begun && !target.ended;
        return fail({in_target ? Errc::target_too_long : Errc::head_too_large, head_octets_});
    }
    return HeadStep{head_octets_, false};
}

// llhttp passes over any number of empty lines, and over halves of them. One whole line may stand
// before a request (RFC 9112 2.2), none before a response.
Result<void> MessageParser::check_first_octets(std::string_view head) {
    if (head_octets_ > 2) {
        return {};
    }
    for (; head_octets_ < head.size(); ++head_octets_) {
        const char octet = head[head_octets_];
        const bool may_be_empty_line = is_request_ && head_begin_ == 0;
        if (may_be_empty_line && head_octets_ == 0 && octet == '\r') {
            continue;
        }
        if (may_be_empty_line && head_octets_ == 1 && head.front() == '\r') {
            if (octet != '\n') {
                return std::unexpected(Error{Errc::head_malformed, head_octets_});
            }
            head_begin_ = 2;
            continue;
        }
        const bool is_first = head_octets_ == head_begin_;
        if (is_first && (is_request_ ? !is_token_octet(octet) : octet != 'H')) {
            return std::unexpected(Error{Errc::head_malformed, head_octets_});
        }
        break;
    }
    return {};
}

// Lets llhttp read, and says how much it did: less than given only at the end of head or message.
Result<std::size_t> MessageParser::run(std::string_view octets, std::size_t offset) {
    input_ = octets.data();
    input_offset_ = offset;
    const llhttp_errno_t outcome = llhttp_execute(&llhttp_, octets.data(), octets.size());
    if (outcome == HPE_OK) {
        return octets.size();
    }
    if (outcome == HPE_PAUSED) {
        return static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - octets.data());
    }
    return std::unexpected(refusal_ ? *refusal_ : error_of_llhttp(outcome, octets, offset));
}

Error MessageParser::error_of_llhttp(llhttp_errno_t outcome, std::string_view octets,
                                     std::size_t offset) const {
    const auto at = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - octets.data());
    const std::uint64_t octet = offset + at;
    if (place_ == Place::trailers) {
        return {Errc::trailers_malformed, octet};
    }
    switch (outcome) {
        case HPE_INVALID_METHOD: {
            const bool unknown =
                at < octets.size() && (is_token_octet(octets[at]) || octets[at] == ' ');
            return {unknown ? Errc::method_unknown : Errc::head_malformed, octet};
        }
        case HPE_INVALID_URL: return {Errc::target_malformed, octet};
        case HPE_INVALID_VERSION: {
            const std::string_view head(base_, offset + octets.size());
            const bool whole = names_unsupported_version(head.substr(version_begin(head)));
            return {whole ? Errc::version_unsupported : Errc::head_malformed, octet};
        }
        case HPE_PAUSED_H2_UPGRADE: return {Errc::version_unsupported, octet};
        case HPE_INVALID_CONTENT_LENGTH: return {Errc::length_malformed, octet};
        case HPE_UNEXPECTED_CONTENT_LENGTH:
        case HPE_INVALID_TRANSFER_ENCODING: return {Errc::framing_ambiguous, octet};
        default: return {Errc::head_malformed, octet};
    }
}

// Of a head that may not be whole.
MessageParser::TargetSoFar MessageParser::target_in(std::string_view head) const noexcept {
    const std::size_t method_end = is_request_ ? head.find(' ', head_begin_) : head.npos;
    if (method_end == head.npos) {
        return {};
    }
    const std::size_t begin = method_end + 1;
    const std::size_t end = head.find_first_of(" \r\n", begin);
    return {true, end != head.npos, begin, std::min(end, head.size()) - begin};
}

bool MessageParser::exceeds_limit(const TargetSoFar& target) const noexcept {
    return target.octets > limits_->target_octets_max;
}

Error MessageParser::target_too_long(const TargetSoFar& target) const noexcept {
    return {Errc::target_too_long, target.begin + limits_->target_octets_max};
}

std::size_t MessageParser::version_begin(std::string_view head) const noexcept {
    const TargetSoFar target = target_in(head);
    return is_request_ && target.ended ? target.begin + target.octets + 1 : 0;
}

Result<MessageParser::BodyStep> MessageParser::feed_chunked(std::span<const std::byte> input) {
    ensure(place_ == Place::chunks || place_ == Place::trailers);

    BodyStep step;
    if (place_ == Place::chunks) {
        const Result<ChunkedDecoder::Step> decoded = chunked_.decode(input);
        if (!decoded) {
            return fail(decoded.error());
        }
        step.consumed = decoded->consumed;
        step.content = decoded->content;
        if (!decoded->finished) {
            return step;
        }
        // llhttp still waits behind the head. Of the coding it is shown the end alone.
        place_ = Place::trailers;
        llhttp_resume(&llhttp_);
        const Result<std::size_t> shown = run("0\r\n", 0);
        ensure(shown.has_value());
    }
    const Result<std::size_t> read = feed_trailers(text_of(input.subspan(step.consumed)));
    if (!read) {
        return fail({read.error().code, chunked_.octets() + read.error().octet});
    }
    step.consumed += *read;
    step.finished = place_ == Place::message_end;
    return step;
}

// The section is kept whole, so that it can be checked and read as a head's fields are.
Result<std::size_t> MessageParser::feed_trailers(std::string_view input) {
    const std::size_t offset = trailers_.size();
    const std::string_view octets = input.substr(0, limits_->trailer_octets_max - offset);
    const Result<std::size_t> read = run(octets, offset);
    if (!read) {
        return read;
    }
    trailers_.append(octets.substr(0, *read));
    if (place_ == Place::message_end) {
        if (const Result<void> checked = check_field_section(trailers_, 0, trailer_lines_);
            !checked) {
            return std::unexpected(Error{Errc::trailers_malformed, checked.error().octet});
        }
        for (const FieldView trailer : trailers()) {
            if (is_reserved_field(trailer.name)) {
                return std::unexpected(Error{Errc::trailers_malformed});
            }
        }
    } else if (trailers_.size() == limits_->trailer_octets_max) {
        return std::unexpected(Error{Errc::trailers_too_large, trailers_.size()});
    }
    return read;
}

std::unexpected<Error> MessageParser::fail(const Error& error) {
    place_ = Place::failed;
    return std::unexpected(error);
}

}  // namespace sluice::http
