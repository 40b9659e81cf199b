#include "sluice/http/ranges.h"

#include "sluice/http/octets.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace sluice::http {

namespace {

constexpr std::string_view unit = "bytes";
constexpr RangeRequest whole{};
constexpr RangeRequest unsatisfiable{RangeRequest::Kind::unsatisfiable, {}};

// A position too large for 64 bits is one past every end.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
    if (digits.empty() || !std::ranges::all_of(digits, is_digit)) {
        return std::nullopt;
    }
    return parse_decimal(digits).value_or(std::numeric_limits<std::uint64_t>::max());
}

RangeRequest part(std::uint64_t first, std::uint64_t last) {
    return {RangeRequest::Kind::part, {first, last}};
}

class Text {
public:
    explicit Text(std::span<char> out) : out_(out) {}

    void put(std::string_view text) {
        ensure(text.size() <= out_.size() - octets_);
        std::memcpy(out_.data() + octets_, text.data(), text.size());
        octets_ += text.size();
    }

    void put(std::uint64_t number) {
        const auto [end, error] =
            std::to_chars(out_.data() + octets_, out_.data() + out_.size(), number);
        ensure(error == std::errc());
        octets_ = static_cast<std::size_t>(end - out_.data());
    }

    [[nodiscard]] std::string_view view() const { return {out_.data(), octets_}; }

private:
    std::span<char> out_;
    std::size_t octets_ = 0;
};

}  // namespace

RangeRequest parse_range(std::string_view value, std::uint64_t size) noexcept {
    const std::size_t equals = value.find('=');
    if (equals == std::string_view::npos || !equal_ignoring_case(value.substr(0, equals), unit)) {
        return whole;
    }
    const std::string_view spec = trim_blanks(value.substr(equals + 1));
    const std::size_t dash = spec.find('-');
    if (dash == std::string_view::npos) {
        return whole;
    }
    const std::optional<std::uint64_t> last = parse_position(spec.substr(dash + 1));
    if (dash == 0) {
        if (!last || size == 0) {
            return whole;  // No part of nothing can be named: it is given whole.
        }
        return *last == 0 ? unsatisfiable : part(size - std::min(*last, size), size - 1);
    }
    const std::optional<std::uint64_t> first = parse_position(spec.substr(0, dash));
    const bool is_open = dash + 1 == spec.size();
    if (!first || (!last && !is_open) || (last && *last < *first)) {
        return whole;
    }
    if (*first >= size) {
        return unsatisfiable;
    }
    return part(*first, is_open ? size - 1 : std::min(*last, size - 1));
}

std::optional<ContentRange> parse_content_range(std::string_view value) noexcept {
    if (value.size() <= unit.size() || !equal_ignoring_case(value.substr(0, unit.size()), unit) ||
        value[unit.size()] != ' ') {
        return std::nullopt;
    }
    value.remove_prefix(unit.size() + 1);
    const std::size_t slash = value.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view range_text = value.substr(0, slash);
    const std::string_view size_text = value.substr(slash + 1);

    ContentRange found;
    if (size_text != "*") {
        found.size = parse_decimal(size_text);
        if (!found.size) {
            return std::nullopt;
        }
    }
    if (range_text == "*") {
        return found.size ? std::optional(found) : std::nullopt;
    }
    const std::size_t dash = range_text.find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const std::optional<std::uint64_t> first = parse_decimal(range_text.substr(0, dash));
    const std::optional<std::uint64_t> last = parse_decimal(range_text.substr(dash + 1));
    if (!first || !last || *last < *first || (found.size && *last >= *found.size)) {
        return std::nullopt;
    }
    found.range = ByteRange{*first, *last};
    return found;
}

std::string_view write_content_range(const ContentRange& content_range,
                                     std::span<char, content_range_octets_max> out) noexcept {
    ensure(content_range.range || content_range.size);
    Text text(out);
    text.put(unit);
    text.put(" ");
    if (content_range.range) {
        text.put(content_range.range->first);
        text.put("-");
        text.put(content_range.range->last);
    } else {
        text.put("*");
    }
    text.put("/");
    if (content_range.size) {
        text.put(*content_range.size);
    } else {
        text.put("*");
    }
    return text.view();
}

}  // namespace sluice::http
