// Fetched: a whole response, in memory, and what became of its exchange.
//
// `outcome` comes first: what is below it is whole only if that says so.

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
    std::string content;                 // As much of it as came.
    std::optional<Error> message_error;  // Why the request was refused, or the response malformed.

    [[nodiscard]] Status status() const noexcept { return outcome.status; }
};

}  // namespace sluice::http
