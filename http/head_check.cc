#include "sluice/http/head_check.h"

#include "sluice/http/authority.h"
#include "sluice/http/octets.h"

#include <algorithm>

namespace sluice::http {

namespace {

constexpr std::size_t line_end_octets = 2;
constexpr std::string_view scheme_end = "://";

std::unexpected<Error> malformed(std::size_t octet) {
    return std::unexpected(Error{Errc::head_malformed, octet});
}

// These never look behind the text's end.
bool stands_at(std::string_view text, std::size_t at, char expected) {
    return at < text.size() && text[at] == expected;
}

bool line_ends_at(std::string_view text, std::size_t at) {
    return stands_at(text, at, '\r') && stands_at(text, at + 1, '\n');
}

Part part(std::size_t offset, std::size_t octets) {
    return {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(octets)};
}

// "HTTP/1.0" or "HTTP/1.1" at `at`; the last digit is returned.
Result<std::uint8_t> check_version(std::string_view head, std::size_t at) {
    const std::string_view text = head.substr(std::min(at, head.size()), version_octets);
    if (text.size() == version_octets) {
        const std::uint64_t version = load_word(text.data());
        if (version == load_word("HTTP/1.1")) {
            return std::uint8_t{1};
        }
        if (version == load_word("HTTP/1.0")) {
            return std::uint8_t{0};
        }
    }
    if (text.size() < version_octets || !text.starts_with("HTTP/") || !is_digit(text[5]) ||
        text[6] != '.' || !is_digit(text[7])) {
        return malformed(at);
    }
    return std::unexpected(Error{Errc::version_unsupported, at + version_octets});
}

}  // namespace

Result<RequestLine> read_request_line(std::string_view head, std::size_t begin) {
    std::size_t method_end = begin;
    while (method_end < head.size() && is_token_octet(head[method_end])) {
        ++method_end;
    }
    if (method_end == begin || !stands_at(head, method_end, ' ')) {
        return malformed(method_end);
    }
    const std::size_t target_begin = method_end + 1;
    const std::size_t blank = head.find(' ', target_begin);
    const std::string_view target = head.substr(target_begin, blank - target_begin);
    if (target.empty()) {
        return malformed(target_begin);
    }
    if (const std::size_t bad = find_outside_target(target); bad != std::string_view::npos) {
        const std::size_t at = target_begin + bad;
        return head[at] == '\r' ? malformed(at)  // The line ends without a version.
                                : std::unexpected(Error{Errc::target_malformed, at});
    }
    const std::size_t target_end = target_begin + target.size();
    const Result<std::uint8_t> minor = check_version(head, target_end + 1);
    if (!minor) {
        return std::unexpected(minor.error());
    }
    const std::size_t version_end = target_end + 1 + version_octets;
    if (!line_ends_at(head, version_end)) {
        return malformed(version_end);
    }
    return RequestLine{part(begin, method_end - begin), part(target_begin, target.size()),
                       version_end + line_end_octets, *minor};
}

Result<StatusLine> read_status_line(std::string_view head) {
    const Result<std::uint8_t> minor = check_version(head, 0);
    if (!minor) {
        return std::unexpected(minor.error());
    }
    constexpr std::size_t code_digits = 3;
    const std::size_t code = version_octets + 1;
    const std::size_t code_end = code + code_digits;
    if (head.size() < code_end || head[code - 1] != ' ' || head[code] == '0' ||
        !std::all_of(head.begin() + code, head.begin() + code_end, is_digit)) {
        return malformed(code - 1);
    }
    std::size_t reason = code_end;
    std::size_t end = code_end;
    if (stands_at(head, end, ' ')) {
        // Some leave this blank out together with the reason; 4 wants it, nobody reads it.
        reason = code_end + 1;
        end = std::min(head.find('\r', reason), head.size());
        if (find_control(head.substr(reason, end - reason)) != std::string_view::npos) {
            return malformed(reason);
        }
    }
    if (!line_ends_at(head, end)) {
        return malformed(end);
    }
    return StatusLine{part(reason, end - reason), end + line_end_octets, *minor};
}

Result<void> check_field_section(std::string_view section, std::size_t begin,
                                 std::span<FieldLine> lines) {
    std::size_t at = begin;
    for (FieldLine& line : lines) {
        const std::size_t name_end = at + line.name_octets;
        if (line.name_offset != at ||
            !is_token(section.substr(line.name_offset, line.name_octets))) {
            return malformed(at);
        }
        if (!stands_at(section, name_end, ':')) {
            return malformed(name_end);
        }
        // A value of no octets has no place of its own: it stands behind the blanks.
        std::size_t value = name_end + 1;
        while (value < section.size() && is_blank(section[value])) {
            ++value;
        }
        std::size_t value_end = value;
        if (line.value_octets != 0) {
            if (line.value_offset != value) {
                return malformed(value);
            }
            value_end += line.value_octets;
        }
        const std::string_view text = section.substr(value, value_end - value);
        if (const std::size_t bad = find_control(text); bad != std::string_view::npos) {
            return malformed(value + bad);
        }
        // The blanks behind the value may be in the parser's part or not.
        while (value_end < section.size() && is_blank(section[value_end])) {
            ++value_end;
        }
        if (!line_ends_at(section, value_end)) {
            return malformed(value_end);
        }
        line.value_offset = static_cast<std::uint32_t>(value);
        line.value_octets = static_cast<std::uint32_t>(trim_blanks(text).size());
        at = value_end + line_end_octets;
    }
    if (!line_ends_at(section, at) || at + line_end_octets != section.size()) {
        return malformed(at);
    }
    return {};
}

std::string_view authority_of(std::string_view absolute_target) noexcept {
    const std::size_t begin = absolute_target.find(scheme_end) + scheme_end.size();
    const std::string_view rest = absolute_target.substr(begin);
    return rest.substr(0, rest.find_first_of("/?"));
}

Result<TargetForm> target_form_of(std::string_view target, Method method) noexcept {
    const auto bad = std::unexpected(Error{Errc::target_malformed});
    if (method == Method::connect) {
        const std::optional<Authority> authority = parse_authority(target);
        if (!authority || authority->host.empty() || !authority->port) {
            return bad;
        }
        return TargetForm::authority;
    }
    if (target.starts_with('/')) {
        return TargetForm::origin;
    }
    if (target == "*") {
        if (method != Method::options) {
            return bad;
        }
        return TargetForm::asterisk;
    }
    const std::size_t scheme = target.find(scheme_end);
    if (scheme == std::string_view::npos || scheme == 0 || !is_alpha(target.front())) {
        return bad;
    }
    for (const char octet : target.substr(0, scheme)) {
        if (!is_alpha(octet) && !is_digit(octet) && octet != '+' && octet != '-' && octet != '.') {
            return bad;
        }
    }
    // RFC 9110 4.2.4: user information is an attempt to deceive.
    const std::optional<Authority> authority = parse_authority(authority_of(target));
    if (!authority || authority->host.empty()) {
        return bad;
    }
    return TargetForm::absolute;
}

}  // namespace sluice::http
