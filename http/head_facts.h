// HeadFacts: what the fields of a head mean for the connection, and where its content ends.
//
// The rules that decide between two messages and one, in one place and without a parser. A head
// that could be read in two ways is an error; nothing is repaired, merged or ignored.
//
// Errors:       host_invalid, length_malformed, framing_ambiguous, transfer_coding_unsupported,
//               expectation_failed; with the octet of the field's value, if there is one.
// Source:       RFC 9112 3.2, 6.1, 6.3, 9.3; RFC 9110 7.6.1, 7.8, 8.6, 10.1.1.

#pragma once

#include "sluice/http/error.h"
#include "sluice/http/fields.h"
#include "sluice/http/framing.h"
#include "sluice/http/method.h"
#include "sluice/http/status.h"

#include <cstdint>
#include <string_view>

namespace sluice::http {

struct HeadFacts {
    Framing framing;
    std::string_view host;         // The value of Host, in a request.
    bool keep_alive = false;       // Another message may follow.
    bool expect_continue = false;  // The sender waits for 100 (Continue).
    bool upgrade = false;          // Upgrade is there and Connection says so.
};

// `head` is what `fields` point into, so that errors can name an octet.
[[nodiscard]] Result<HeadFacts> request_facts(std::string_view head, const FieldsView& fields,
                                              Method method, int version_minor);

[[nodiscard]] Result<HeadFacts> response_facts(std::string_view head, const FieldsView& fields,
                                               Method request_method, Status status,
                                               int version_minor);

}  // namespace sluice::http
