#include "sluice/http/preconditions.h"

#include "sluice/http/date.h"
#include "sluice/http/octets.h"

namespace sluice::http {

namespace {

// What a list of entity tags, over all fields of one name, says about the one that is stored.
enum class Match : std::uint8_t { absent, matches, differs, malformed };

// Takes an entity tag off the front. A backslash in it escapes nothing (RFC 9110 8.8.3).
std::optional<EntityTag> take_entity_tag(std::string_view& text) {
    EntityTag tag;
    std::string_view rest = text;
    if (rest.starts_with("W/")) {
        tag.weak = true;
        rest.remove_prefix(2);
    }
    const std::size_t end = rest.find('"', 1);
    if (!rest.starts_with('"') || end == std::string_view::npos) {
        return std::nullopt;
    }
    tag.opaque = rest.substr(0, end + 1);
    const std::string_view inside = tag.opaque.substr(1, end - 1);
    if (find_control(inside) != std::string_view::npos ||
        inside.find_first_of(" \t") != std::string_view::npos) {
        return std::nullopt;
    }
    text = rest.substr(end + 1);
    return tag;
}

using Equal = bool (*)(EntityTag, EntityTag);

Match match_list(std::string_view list, const Stored& stored, Equal equal) {
    if (trim_blanks(list) == "*") {
        return stored.exists ? Match::matches : Match::differs;
    }
    Match match = Match::malformed;
    while (true) {
        list = trim_blanks(list);
        while (list.starts_with(',')) {
            list = trim_blanks(list.substr(1));
        }
        if (list.empty()) {
            return match;
        }
        const std::optional<EntityTag> tag = take_entity_tag(list);
        list = trim_blanks(list);
        if (!tag || !(list.empty() || list.starts_with(','))) {
            return match == Match::matches ? match : Match::malformed;
        }
        const bool is_stored = stored.exists && stored.tag && equal(*tag, *stored.tag);
        if (is_stored) {
            match = Match::matches;
        } else if (match == Match::malformed) {
            match = Match::differs;
        }
    }
}

Match match_fields(const FieldsView& fields, std::string_view name, const Stored& stored,
                   Equal equal) {
    Match match = Match::absent;
    for (const FieldView field : fields) {
        if (!equal_ignoring_case(field.name, name)) {
            continue;
        }
        const Match line = match_list(field.value, stored, equal);
        if (line == Match::matches) {
            return line;
        }
        match = match == Match::malformed ? match : line;
    }
    return match;
}

std::optional<std::int64_t> date_in(const FieldsView& fields, std::string_view name,
                                    std::int64_t now_unix_seconds) {
    const std::optional<std::string_view> value = fields.find(name);
    return value ? parse_date(*value, now_unix_seconds) : std::nullopt;
}

}  // namespace

std::optional<EntityTag> parse_entity_tag(std::string_view text) noexcept {
    const std::optional<EntityTag> tag = take_entity_tag(text);
    return text.empty() ? tag : std::nullopt;
}

Precondition evaluate(const FieldsView& fields, Method method, const Stored& stored,
                      std::int64_t now_unix_seconds) noexcept {
    const bool reads = method == Method::get || method == Method::head;
    const Match if_match = match_fields(fields, "if-match", stored, strongly_equal);
    if (if_match == Match::differs || if_match == Match::malformed) {
        return Precondition::failed;
    }
    if (if_match == Match::absent && stored.modified_unix_seconds) {
        const std::optional<std::int64_t> date =
            date_in(fields, "if-unmodified-since", now_unix_seconds);
        if (date && *stored.modified_unix_seconds > *date) {
            return Precondition::failed;
        }
    }

    const Match if_none_match = match_fields(fields, "if-none-match", stored, weakly_equal);
    if (if_none_match == Match::matches) {
        return reads ? Precondition::not_modified : Precondition::failed;
    }
    if (if_none_match == Match::malformed && !reads) {
        return Precondition::failed;
    }
    if (if_none_match == Match::absent && reads && stored.modified_unix_seconds) {
        const std::optional<std::int64_t> date =
            date_in(fields, "if-modified-since", now_unix_seconds);
        if (date && *stored.modified_unix_seconds <= *date) {
            return Precondition::not_modified;
        }
    }
    return Precondition::holds;
}

bool range_applies(const FieldsView& fields, const Stored& stored,
                   std::int64_t now_unix_seconds) noexcept {
    const std::optional<std::string_view> value = fields.find("if-range");
    if (!value) {
        return true;
    }
    if (const std::optional<EntityTag> tag = parse_entity_tag(*value)) {
        return stored.tag && strongly_equal(*tag, *stored.tag);
    }
    const std::optional<std::int64_t> date = parse_date(*value, now_unix_seconds);
    return date && stored.modified_unix_seconds == date;
}

}  // namespace sluice::http
