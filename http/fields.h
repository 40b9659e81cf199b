// Fields: the named values of a head or of a trailer section, in the order they stand there.
//
// FieldsView is what the parser found: offsets into octets that somebody else keeps. Fields is what
// we are about to send: it holds its lines as they go on the wire, so that they are written by one
// copy, and it takes nothing that could end a line or frame a message, so that no value given to it
// can become a second field, a second message or another length.
//
// Ownership:    A FieldsView owns nothing; it lives as long as the octets and the lines it names.
//               What is given to a Fields is copied, and is no view into the same Fields.
// Errors:       Fields::add and set refuse with field_invalid or field_reserved and change nothing.
// Source:       RFC 9110 5.

#pragma once

#include "sluice/http/error.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

struct FieldView {
    std::string_view name;
    std::string_view value;
};

// One field line as offsets, so that the octets may move.
struct FieldLine {
    std::uint32_t name_offset = 0;
    std::uint32_t name_octets = 0;
    std::uint32_t value_offset = 0;
    std::uint32_t value_octets = 0;
};

class FieldsView {
public:
    class Iterator {
    public:
        using value_type = FieldView;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        Iterator(const char* base, const FieldLine* line) : base_(base), line_(line) {}

        FieldView operator*() const noexcept {
            return {{base_ + line_->name_offset, line_->name_octets},
                    {base_ + line_->value_offset, line_->value_octets}};
        }
        Iterator& operator++() noexcept {
            ++line_;
            return *this;
        }
        Iterator operator++(int) noexcept { return {base_, line_++}; }
        friend bool operator==(const Iterator& left, const Iterator& right) noexcept {
            return left.line_ == right.line_;
        }

    private:
        const char* base_ = nullptr;
        const FieldLine* line_ = nullptr;
    };

    FieldsView() = default;
    FieldsView(const char* base, std::span<const FieldLine> lines) : base_(base), lines_(lines) {}

    [[nodiscard]] Iterator begin() const noexcept { return {base_, lines_.data()}; }
    [[nodiscard]] Iterator end() const noexcept { return {base_, lines_.data() + lines_.size()}; }
    [[nodiscard]] std::size_t size() const noexcept { return lines_.size(); }
    [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
    [[nodiscard]] FieldView operator[](std::size_t index) const noexcept {
        return *Iterator(base_, &lines_[index]);
    }

    // The first value under this name, in any case. Repeated fields: iterate, or `count` them.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] bool contains(std::string_view name) const noexcept { return count(name) != 0; }
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

    // Whether any field `name` lists `token`: has_token("connection", "close").
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept;

private:
    const char* base_ = nullptr;
    std::span<const FieldLine> lines_;
};

// The fields that frame a message or rule its connection. They are written from the message's own
// facts and never by name: Connection, Content-Length, Expect, Host, Keep-Alive, Proxy-Connection,
// TE, Transfer-Encoding, Upgrade.
[[nodiscard]] bool is_reserved_field(std::string_view name) noexcept;

class Fields {
public:
    // Appends a line. `value` may be empty; blanks around it are dropped.
    Result<void> add(std::string_view name, std::string_view value);

    // Replaces every field of this name by one, which stands last.
    Result<void> set(std::string_view name, std::string_view value);

    // Returns how many there were.
    std::size_t remove(std::string_view name);

    // Keeps the memory, for the next message.
    void clear() noexcept;

    [[nodiscard]] FieldsView view() const noexcept { return {octets_.data(), lines_}; }
    [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return lines_.size(); }
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
        return view().find(name);
    }

    // All lines as they go on the wire, each ended by CRLF; no empty line after them.
    [[nodiscard]] std::string_view wire() const noexcept { return octets_; }

private:
    std::string octets_;  // "name: value\r\n", one after another.
    std::vector<FieldLine> lines_;
};

}  // namespace sluice::http
