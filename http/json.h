// JsonWriter: appends JSON to a string, value by value; the commas come by themselves.
//
// Not a document: nothing is kept but the text. What is written in a wrong order (a value without
// its key) gives wrong JSON, so callers are straight-line code with a test beside it.
//
// Source:       RFC 8259.

#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::http {

class JsonWriter {
public:
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();

    // What follows is its value.
    JsonWriter& key(std::string_view text);

    // Octets that are not UTF-8 become U+FFFD, so that what is written is always JSON.
    JsonWriter& string(std::string_view text);
    JsonWriter& boolean(bool value);
    JsonWriter& null();

    template <std::integral T>
    JsonWriter& number(T value) {
        return raw(std::to_string(value));
    }

    template <std::integral T>
    JsonWriter& number(const std::optional<T>& value) {
        return value ? number(*value) : null();
    }

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] std::string take() noexcept { return std::move(text_); }

private:
    JsonWriter& raw(std::string_view value);
    void separate();
    void append_quoted(std::string_view text);

    std::string text_;
};

}  // namespace sluice::http
