#include "sluice/tests/interop/request_line.h"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace sluice::tests {

namespace {

// Takes values off the front of a text. None, or false: it is something else.
class JsonReader {
public:
    explicit JsonReader(std::string_view text) noexcept : text_(text) {}

    [[nodiscard]] bool take(char wanted) {
        skip_blanks();
        const bool there = text_.starts_with(wanted);
        text_.remove_prefix(there ? 1 : 0);
        return there;
    }

    [[nodiscard]] bool ended() {
        skip_blanks();
        return text_.empty();
    }

    [[nodiscard]] bool read(std::string& value) {
        value.clear();
        if (!take('"')) {
            return false;
        }
        while (!text_.empty() && text_.front() != '"') {
            if (text_.front() == '\\' && !unescape()) {
                return false;
            }
            value += text_.front();
            text_.remove_prefix(1);
        }
        return take('"');
    }

    [[nodiscard]] bool read(bool& value) {
        skip_blanks();
        for (const bool candidate : {true, false}) {
            const std::string_view word = candidate ? "true" : "false";
            if (text_.starts_with(word)) {
                text_.remove_prefix(word.size());
                value = candidate;
                return true;
            }
        }
        return false;
    }

    [[nodiscard]] bool read(Duration& milliseconds) {
        skip_blanks();
        std::int64_t number = 0;
        const auto [end, error] =
            std::from_chars(text_.data(), text_.data() + text_.size(), number);
        if (error != std::errc{} || number < 0) {
            return false;
        }
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        milliseconds = std::chrono::milliseconds(number);
        return true;
    }

    [[nodiscard]] bool read(std::vector<std::string>& values) {
        if (!take('[')) {
            return false;
        }
        if (take(']')) {
            return true;
        }
        do {
            if (!read(values.emplace_back())) {
                return false;
            }
        } while (take(','));
        return take(']');
    }

private:
    void skip_blanks() {
        const std::size_t blanks = text_.find_first_not_of(" \t\r\n");
        text_.remove_prefix(blanks == std::string_view::npos ? text_.size() : blanks);
    }

    // Of the escapes, those of a character by itself.
    [[nodiscard]] bool unescape() {
        text_.remove_prefix(1);
        return text_.starts_with('"') || text_.starts_with('\\') || text_.starts_with('/');
    }

    std::string_view text_;
};

bool read_member(JsonReader& json, std::string_view name, RequestLine& line) {
    if (name == "method") {
        return json.read(line.method);
    }
    if (name == "url") {
        return json.read(line.url);
    }
    if (name == "headers") {
        return json.read(line.fields);
    }
    if (name == "body_file") {
        return json.read(line.body_file);
    }
    if (name == "save") {
        return json.read(line.save);
    }
    if (name == "chunked") {
        return json.read(line.chunked);
    }
    if (name == "expect_continue") {
        return json.read(line.expect_continue);
    }
    if (name == "wait_ms") {
        return json.read(line.wait);
    }
    return name == "timeout_ms" && json.read(line.timeout.emplace());
}

}  // namespace

std::optional<RequestLine> parse_request_line(std::string_view text) {
    JsonReader json(text);
    RequestLine line;
    bool well_formed = json.take('{');
    bool more = well_formed;
    while (more) {
        std::string name;
        well_formed = json.read(name) && json.take(':') && read_member(json, name, line);
        more = well_formed && json.take(',');
    }
    if (!well_formed || !json.take('}') || !json.ended()) {
        return std::nullopt;
    }
    return line.method.empty() || line.url.empty() ? std::nullopt : std::optional(line);
}

}  // namespace sluice::tests
