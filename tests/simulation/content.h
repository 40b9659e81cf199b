// Content: octets that any seed yields again, and what tells two contents apart.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sluice::campaign {

// FNV-1a: what is fed in pieces has the digest of the whole.
class Digest {
public:
    void add(std::span<const std::byte> octets) noexcept {
        for (const std::byte octet : octets) {
            value_ = (value_ ^ std::to_integer<std::uint64_t>(octet)) * 0x100000001b3;
        }
    }

    friend bool operator==(const Digest&, const Digest&) noexcept = default;

private:
    std::uint64_t value_ = 0xcbf29ce484222325;
};

// The first octets of an endless text that is the seed's own.
[[nodiscard]] std::string content_of(std::uint64_t seed, std::uint64_t octets);

[[nodiscard]] Digest digest_of(const std::string& octets) noexcept;

}  // namespace sluice::campaign
