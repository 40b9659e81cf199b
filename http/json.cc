#include "sluice/http/json.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sluice::http {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD.

std::uint8_t octet_at(std::string_view text, std::size_t index) noexcept {
    return static_cast<std::uint8_t>(text[index]);
}

// The octets of the well-formed UTF-8 sequence that `text` begins with; 0 if it begins with none.
std::size_t sequence_octets(std::string_view text) noexcept {
    struct Row {  // Unicode 16, table 3-7: which leads take which second octet.
        std::uint8_t lead_min, lead_max, second_min, second_max;
        std::size_t octets;
    };
    static constexpr std::array<Row, 8> rows{{{0xC2, 0xDF, 0x80, 0xBF, 2},
                                              {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                              {0xE1, 0xEC, 0x80, 0xBF, 3},
                                              {0xED, 0xED, 0x80, 0x9F, 3},
                                              {0xEE, 0xEF, 0x80, 0xBF, 3},
                                              {0xF0, 0xF0, 0x90, 0xBF, 4},
                                              {0xF1, 0xF3, 0x80, 0xBF, 4},
                                              {0xF4, 0xF4, 0x80, 0x8F, 4}}};
    const std::uint8_t lead = octet_at(text, 0);
    if (lead < 0x80) {
        return 1;
    }
    const auto* const row = std::ranges::find_if(
        rows, [lead](const Row& each) { return lead >= each.lead_min && lead <= each.lead_max; });
    if (row == rows.end() || text.size() < row->octets || octet_at(text, 1) < row->second_min ||
        octet_at(text, 1) > row->second_max) {
        return 0;
    }
    for (std::size_t index = 2; index < row->octets; ++index) {
        if ((octet_at(text, index) & 0xC0U) != 0x80U) {
            return 0;
        }
    }
    return row->octets;
}

void append_ascii(std::string& out, char character) {
    switch (character) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    if (static_cast<std::uint8_t>(character) >= 0x20 && character != 0x7F) {
        out += character;
        return;
    }
    static constexpr std::string_view digits = "0123456789abcdef";
    const auto octet = static_cast<std::uint8_t>(character);
    out += "\\u00";
    out += digits[octet >> 4U];
    out += digits[octet & 0xFU];
}

}  // namespace

JsonWriter& JsonWriter::begin_object() {
    separate();
    text_ += '{';
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    text_ += '}';
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    separate();
    text_ += '[';
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    text_ += ']';
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view text) {
    separate();
    append_quoted(text);
    text_ += ':';
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
    separate();
    append_quoted(text);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    return raw(value ? "true" : "false");
}

JsonWriter& JsonWriter::null() {
    return raw("null");
}

JsonWriter& JsonWriter::raw(std::string_view value) {
    separate();
    text_ += value;
    return *this;
}

// A string ends with its quote, so the last character alone tells what was written before.
void JsonWriter::separate() {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[' && text_.back() != ':') {
        text_ += ',';
    }
}

void JsonWriter::append_quoted(std::string_view text) {
    text_ += '"';
    while (!text.empty()) {
        const std::size_t octets = sequence_octets(text);
        if (octets == 0) {
            text_ += replacement;
        } else if (octets == 1) {
            append_ascii(text_, text.front());
        } else {
            text_ += text.substr(0, octets);
        }
        text.remove_prefix(std::max<std::size_t>(octets, 1));
    }
    text_ += '"';
}

}  // namespace sluice::http
