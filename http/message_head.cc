// The half of MessageParser that reads a complete head: its start line a second time, and what its
// fields mean for the connection and where its content ends.
//
// The rules that decide between two messages and one, in one place and without a parser. A head
// that could be read in two ways is an error; nothing is repaired, merged or ignored.
//
// Source:       RFC 9112 3.2, 6.1, 6.3, 9.3; RFC 9110 7.6.1, 7.8, 8.6, 10.1.1.

#include "sluice/http/authority.h"
#include "sluice/http/message_parser.h"
#include "sluice/http/octets.h"

#include <optional>

namespace sluice::http {

namespace {

struct HeadFacts {
    Framing framing;
    std::string_view host;         // The value of Host, in a request.
    bool keep_alive = false;       // Another message may follow.
    bool expect_continue = false;  // The sender waits for 100 (Continue).
    bool upgrade = false;          // Upgrade is there and Connection says so.
};

// The fields that matter here, as they stand. One that is absent has no data, not even none.
struct Found {
    std::string_view host;
    std::string_view content_length;
    std::string_view transfer_encoding;
    std::string_view expect;
    bool upgrade = false;
    bool says_close = false;
    bool says_keep_alive = false;
    bool says_upgrade = false;
};

bool is_there(std::string_view value) {
    return value.data() != nullptr;
}

std::unexpected<Error> refuse(Errc code, std::string_view head, std::string_view value) {
    return std::unexpected(Error{code, static_cast<std::uint64_t>(value.data() - head.data())});
}

// Takes a field that may stand but once.
Result<void> take_once(std::string_view& place, std::string_view value, Errc twice,
                       std::string_view head) {
    if (is_there(place)) {
        return refuse(twice, head, value);
    }
    place = value;
    return {};
}

void take_connection(Found& found, std::string_view value) {
    while (const std::optional<std::string_view> option = next_element(value)) {
        found.says_close |= equal_ignoring_case(*option, "close");
        found.says_keep_alive |= equal_ignoring_case(*option, "keep-alive");
        found.says_upgrade |= equal_ignoring_case(*option, "upgrade");
    }
}

Result<void> take(Found& found, FieldView field, std::string_view head) {
    const auto [name, value] = field;
    switch (name.size()) {
        case 4:
            if (equal_ignoring_case(name, "host")) {
                return take_once(found.host, value, Errc::host_invalid, head);
            }
            break;
        case 6:
            if (equal_ignoring_case(name, "expect")) {
                return take_once(found.expect, value, Errc::expectation_failed, head);
            }
            break;
        case 7: found.upgrade |= equal_ignoring_case(name, "upgrade"); break;
        case 10:
            if (equal_ignoring_case(name, "connection")) {
                take_connection(found, value);
            }
            break;
        case 14:
            if (equal_ignoring_case(name, "content-length")) {
                return take_once(found.content_length, value, Errc::framing_ambiguous, head);
            }
            break;
        case 17:
            if (equal_ignoring_case(name, "transfer-encoding")) {
                return take_once(found.transfer_encoding, value, Errc::framing_ambiguous, head);
            }
            break;
        default: break;
    }
    return {};
}

Result<void> find(Found& found, std::string_view head, const FieldsView& fields) {
    for (const FieldView field : fields) {
        if (const Result<void> taken = take(found, field, head); !taken) {
            return taken;
        }
    }
    return {};
}

// The one coding there may be. A list that mentions chunked beside others is an attempt to be read
// in two ways; a list without it names codings that we do not have.
Result<void> check_coding(std::string_view head, std::string_view coding) {
    if (equal_ignoring_case(coding, "chunked")) {
        return {};
    }
    bool mentions_chunked = false;
    bool well_formed = true;
    std::string_view list = coding;
    while (const std::optional<std::string_view> element = next_element(list)) {
        const std::string_view name = element->substr(0, element->find_first_of("; \t"));
        mentions_chunked |= equal_ignoring_case(name, "chunked");
        well_formed &= is_token(name);
    }
    if (mentions_chunked || !well_formed || coding.empty()) {
        return refuse(Errc::framing_ambiguous, head, coding);
    }
    return refuse(Errc::transfer_coding_unsupported, head, coding);
}

// What the two framing fields say, before the rules that set them aside.
Result<std::optional<Framing>> said_framing(std::string_view head, const Found& found,
                                            int version_minor) {
    if (is_there(found.transfer_encoding)) {
        if (is_there(found.content_length) || version_minor == 0) {
            return refuse(Errc::framing_ambiguous, head, found.transfer_encoding);
        }
        if (const Result<void> coding = check_coding(head, found.transfer_encoding); !coding) {
            return std::unexpected(coding.error());
        }
        return Framing::chunked();
    }
    if (is_there(found.content_length)) {
        const std::optional<std::uint64_t> length = parse_decimal(found.content_length);
        if (!length) {
            return refuse(Errc::length_malformed, head, found.content_length);
        }
        return Framing::of_length(*length);
    }
    return std::nullopt;
}

bool persists(const Found& found, int version_minor) {
    return !found.says_close && (version_minor == 1 || found.says_keep_alive);
}

Result<HeadFacts> request_facts(std::string_view head, const FieldsView& fields, Method method,
                                int version_minor) {
    Found found;
    if (const Result<void> looked = find(found, head, fields); !looked) {
        return std::unexpected(looked.error());
    }
    const Result<std::optional<Framing>> said = said_framing(head, found, version_minor);
    if (!said) {
        return std::unexpected(said.error());
    }
    HeadFacts facts;
    facts.framing = said->value_or(Framing::none());
    // What follows a CONNECT could be its content or the tunnel's first octets.
    if (method == Method::connect && !facts.framing.ends_with_head()) {
        return std::unexpected(Error{Errc::framing_ambiguous, head.size()});
    }
    if (!is_there(found.host) && version_minor == 1) {
        return std::unexpected(Error{Errc::host_invalid, head.size()});
    }
    // An expectation of HTTP/1.0 means nothing (RFC 9110 10.1.1).
    if (is_there(found.expect) && version_minor == 1) {
        if (!equal_ignoring_case(found.expect, "100-continue")) {
            return refuse(Errc::expectation_failed, head, found.expect);
        }
        facts.expect_continue = !facts.framing.ends_with_head();
    }
    facts.host = found.host;
    facts.keep_alive = persists(found, version_minor);
    facts.upgrade = found.upgrade && found.says_upgrade && version_minor == 1;
    return facts;
}

Result<HeadFacts> response_facts(std::string_view head, const FieldsView& fields,
                                 Method request_method, Status status, int version_minor) {
    Found found;
    if (const Result<void> looked = find(found, head, fields); !looked) {
        return std::unexpected(looked.error());
    }
    const Result<std::optional<Framing>> said = said_framing(head, found, version_minor);
    if (!said) {
        return std::unexpected(said.error());
    }
    HeadFacts facts;
    facts.upgrade = status == Status::switching_protocols && found.upgrade && found.says_upgrade;
    if (status == Status::switching_protocols ||
        (request_method == Method::connect && is_successful(status))) {
        facts.framing = Framing::upgrade();
        return facts;
    }
    if (may_have_content(status, request_method)) {
        facts.framing = said->value_or(Framing::close());
    }
    facts.keep_alive = facts.framing.kind != Framing::Kind::close && persists(found, version_minor);
    return facts;
}

}  // namespace

Result<void> MessageParser::read_head(std::string_view head) {
    const Result<std::size_t> fields_begin =
        is_request_ ? take_request_line(head) : take_status_line(head);
    if (!fields_begin) {
        return std::unexpected(fields_begin.error());
    }
    if (const Result<void> fields = check_field_section(head, *fields_begin, lines_); !fields) {
        return fields;
    }
    return read_facts(head);
}

// Yields where the fields begin.
Result<std::size_t> MessageParser::take_request_line(std::string_view head) {
    const Result<RequestLine> line = read_request_line(head, head_begin_);
    if (!line) {
        return std::unexpected(line.error());
    }
    method_text_ = line->method;
    target_ = line->target;
    version_minor_ = line->version_minor;
    if (target_.octets > limits_->target_octets_max) {
        return std::unexpected(
            Error{Errc::target_too_long, target_.offset + limits_->target_octets_max});
    }
    method_ = method_of(method_text());
    const Result<TargetForm> form = target_form_of(target(), method_);
    if (!form) {
        return std::unexpected(Error{form.error().code, target_.offset});
    }
    target_form_ = *form;
    return line->end;
}

Result<std::size_t> MessageParser::take_status_line(std::string_view head) {
    const Result<StatusLine> line = read_status_line(head);
    if (!line) {
        return std::unexpected(line.error());
    }
    reason_ = line->reason;
    version_minor_ = line->version_minor;
    status_ = static_cast<Status>(llhttp_get_status_code(&llhttp_));
    return line->end;
}

Result<void> MessageParser::read_facts(std::string_view head) {
    const Result<HeadFacts> facts =
        is_request_ ? request_facts(head, fields(), method_, version_minor_)
                    : response_facts(head, fields(), method_, status_, version_minor_);
    if (!facts) {
        return std::unexpected(facts.error());
    }
    if (const Result<void> host = check_host(head, facts->host); !host) {
        return host;
    }
    std::string_view authority = facts->host;
    switch (target_form_) {
        case TargetForm::absolute: authority = authority_of(target()); break;
        case TargetForm::authority: authority = target(); break;
        case TargetForm::origin:
        case TargetForm::asterisk: break;
    }
    if (!authority.empty()) {
        authority_ = {static_cast<std::uint32_t>(authority.data() - head.data()),
                      static_cast<std::uint32_t>(authority.size())};
    }
    // Each by itself: as one, GCC 12 reads both back from where it has only just put them apart.
    framing_.kind = facts->framing.kind;
    framing_.length = facts->framing.length;
    keep_alive_ = facts->keep_alive;
    expect_continue_ = facts->expect_continue;
    upgrade_ = facts->upgrade;
    return agree_on_framing();
}

// One client names the same host in one request after another.
Result<void> MessageParser::check_host(std::string_view head, std::string_view host) {
    if (host == valid_host_) {
        return {};
    }
    if (!parse_authority(host)) {
        const auto at = static_cast<std::uint64_t>(host.data() - head.data());
        return std::unexpected(Error{Errc::host_invalid, at});
    }
    valid_host_ = host;
    return {};
}

// Two readers of the same fields must find the same framing; and it must be within the limits.
Result<void> MessageParser::agree_on_framing() {
    const bool chunked = framing_.kind == Framing::Kind::chunked;
    const bool length = framing_.kind == Framing::Kind::length;
    if ((chunked && (llhttp_.flags & F_CHUNKED) == 0) ||
        (length && llhttp_.content_length != framing_.length)) {
        return std::unexpected(Error{Errc::framing_ambiguous, head_octets_});
    }
    if (length && framing_.length > limits_->content_octets_max) {
        return std::unexpected(Error{Errc::content_too_large, head_octets_});
    }
    if (chunked) {
        chunked_ = ChunkedDecoder(*limits_);
        place_ = Place::chunks;
    }
    return {};
}

}  // namespace sluice::http
