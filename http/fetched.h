// Fetched: a whole response, in memory, and what became of its exchange.
//
// `content_is_whole` is for those who want the content and nothing else; all else is in `outcome`.

#pragma once

#include "sluice/http/error.h"
#include "sluice/http/fields.h"
#include "sluice/http/outcome.h"
#include "sluice/http/status.h"

#include <optional>
#include <string>
#include <vector>

namespace sluice::http {

// Fields that own their octets.
class OwnedFields {
public:
    OwnedFields() = default;
    explicit OwnedFields(FieldsView fields);

    [[nodiscard]] FieldsView view() const noexcept { return {octets_.data(), lines_}; }

private:
    std::string octets_;
    std::vector<FieldLine> lines_;
};

struct Fetched {
    Outcome outcome;
    std::vector<Outcome> attempts;  // In order; the last is `outcome`.
    OwnedFields fields;
    OwnedFields trailers;
    std::string content;                 // As much of it as came, and might be taken.
    bool content_is_whole = false;       // Up to the end that its framing promised.
    std::optional<Error> message_error;  // Why the request was refused, or the response malformed.

    [[nodiscard]] Status status() const noexcept { return outcome.status; }
};

}  // namespace sluice::http
