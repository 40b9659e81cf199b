#include "sluice/http/fields.h"

#include "sluice/http/octets.h"

#include <algorithm>
#include <limits>

namespace sluice::http {

namespace {

constexpr std::string_view colon = ": ";

Result<void> check(std::string_view name, std::string_view value) {
    if (!is_token(name)) {
        return std::unexpected(Error{Errc::field_invalid});
    }
    if (is_reserved_field(name)) {
        return std::unexpected(Error{Errc::field_reserved});
    }
    if (const std::size_t at = find_control(value); at != std::string_view::npos) {
        return std::unexpected(Error{Errc::field_invalid, at});
    }
    return {};
}

}  // namespace

std::optional<std::string_view> FieldsView::find(std::string_view name) const noexcept {
    for (const FieldLine& line : lines_) {
        if (line.name_octets == name.size() &&
            equal_ignoring_case({base_ + line.name_offset, line.name_octets}, name)) {
            return std::string_view(base_ + line.value_offset, line.value_octets);
        }
    }
    return std::nullopt;
}

std::size_t FieldsView::count(std::string_view name) const noexcept {
    std::size_t found = 0;
    for (const FieldView field : *this) {
        found += equal_ignoring_case(field.name, name) ? 1 : 0;
    }
    return found;
}

bool FieldsView::has_token(std::string_view name, std::string_view token) const noexcept {
    for (const FieldView field : *this) {
        if (equal_ignoring_case(field.name, name) && list_has_token(field.value, token)) {
            return true;
        }
    }
    return false;
}

bool is_reserved_field(std::string_view name) noexcept {
    const auto is = [name](std::string_view reserved) {
        return equal_ignoring_case(name, reserved);
    };
    switch (name.size()) {
        case 2: return is("te");
        case 4: return is("host");
        case 6: return is("expect");
        case 7: return is("upgrade");
        case 10: return is("connection") || is("keep-alive");
        case 14: return is("content-length");
        case 16: return is("proxy-connection");
        case 17: return is("transfer-encoding");
        default: return false;
    }
}

Result<void> Fields::add(std::string_view name, std::string_view value) {
    value = trim_blanks(value);
    if (const Result<void> allowed = check(name, value); !allowed) {
        return allowed;
    }
    constexpr std::size_t octets_max = std::numeric_limits<std::uint32_t>::max();
    const std::size_t line_octets = name.size() + colon.size() + value.size() + line_end.size();
    if (line_octets > octets_max - octets_.size()) {
        return std::unexpected(Error{Errc::field_invalid});
    }

    const std::size_t name_offset = octets_.size();
    const std::size_t value_offset = name_offset + name.size() + colon.size();
    const std::size_t octets = name_offset + line_octets;
    // GCC 12 tells the function of more octets than were asked for.
    octets_.resize_and_overwrite(octets, [&](char* begin, std::size_t) {
        char* end = std::copy(name.begin(), name.end(), begin + name_offset);
        end = std::copy(colon.begin(), colon.end(), end);
        end = std::copy(value.begin(), value.end(), end);
        std::copy(line_end.begin(), line_end.end(), end);
        return octets;
    });
    lines_.push_back({
        .name_offset = static_cast<std::uint32_t>(name_offset),
        .name_octets = static_cast<std::uint32_t>(name.size()),
        .value_offset = static_cast<std::uint32_t>(value_offset),
        .value_octets = static_cast<std::uint32_t>(value.size()),
    });
    return {};
}

Result<void> Fields::set(std::string_view name, std::string_view value) {
    if (const Result<void> allowed = check(name, trim_blanks(value)); !allowed) {
        return allowed;
    }
    remove(name);
    return add(name, value);
}

std::size_t Fields::remove(std::string_view name) {
    std::size_t removed = 0;
    for (std::size_t index = 0; index < lines_.size();) {
        const FieldLine line = lines_[index];
        if (!equal_ignoring_case({octets_.data() + line.name_offset, line.name_octets}, name)) {
            ++index;
            continue;
        }
        const std::size_t end =
            std::size_t{line.value_offset} + line.value_octets + line_end.size();
        const auto octets = static_cast<std::uint32_t>(end - line.name_offset);
        octets_.erase(line.name_offset, octets);
        lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(index));
        for (std::size_t later = index; later < lines_.size(); ++later) {
            lines_[later].name_offset -= octets;
            lines_[later].value_offset -= octets;
        }
        ++removed;
    }
    return removed;
}

void Fields::clear() noexcept {
    octets_.clear();
    lines_.clear();
}

}  // namespace sluice::http
