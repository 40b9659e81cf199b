// ContextError: why a context cannot be made of its options.

#pragma once

#include <cstdint>
#include <string>

namespace sluice::tls {

struct ContextError {
    enum class Kind : std::uint8_t {
        unreadable,  // The file cannot be opened: to be read, or for a key log written.
        malformed,   // It does not hold what it should, as PEM.
        mismatched,  // The key is not that of the certificate.
        refused,     // OpenSSL's policy does not take it: a key too short, a digest too weak.
        incomplete,  // Options that make no sense together; `file` is empty.
    };

    Kind kind;
    std::string file;  // Or the option that has it in memory.
    std::string reason;

    // One line for a person.
    [[nodiscard]] std::string description() const;
};

}  // namespace sluice::tls
