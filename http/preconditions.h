// Preconditions: whether a request still applies to what is stored now.
//
// Source:       RFC 9110 8.8.3, 13.

#pragma once

#include "sluice/http/fields.h"
#include "sluice/http/method.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::http {

struct EntityTag {
    std::string_view opaque;  // With its quotes.
    bool weak = false;
};

// Reads one entity tag and nothing beside it.
[[nodiscard]] std::optional<EntityTag> parse_entity_tag(std::string_view text) noexcept;

[[nodiscard]] constexpr bool strongly_equal(EntityTag left, EntityTag right) noexcept {
    return !left.weak && !right.weak && left.opaque == right.opaque;
}

[[nodiscard]] constexpr bool weakly_equal(EntityTag left, EntityTag right) noexcept {
    return left.opaque == right.opaque;
}

// What is stored under the target now.
struct Stored {
    bool exists = false;
    std::optional<EntityTag> tag;
    std::optional<std::int64_t> modified_unix_seconds;
};

enum class Precondition : std::uint8_t {
    holds,         // Go on; If-Range is judged apart.
    not_modified,  // 304, for GET and HEAD.
    failed,        // 412.
};

// If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of 13.2.2. A
// condition that cannot be read fails where that protects what is stored, and is else passed over.
[[nodiscard]] Precondition evaluate(const FieldsView& fields, Method method, const Stored& stored,
                                    std::int64_t now_unix_seconds) noexcept;

// Whether a Range applies: there is no If-Range, or it names exactly what is stored (13.1.5).
[[nodiscard]] bool range_applies(const FieldsView& fields, const Stored& stored,
                                 std::int64_t now_unix_seconds) noexcept;

}  // namespace sluice::http
