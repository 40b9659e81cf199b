#include "sluice/tests/simulation/content.h"

namespace sluice::campaign {

std::string content_of(std::uint64_t seed, std::uint64_t octets) {
    constexpr std::uint64_t letters = 26;
    std::string content(octets, '\0');
    std::uint64_t mixed = (seed + 1) * 0x9e3779b97f4a7c15;
    for (char& octet : content) {
        mixed ^= mixed << 13;
        mixed ^= mixed >> 7;
        mixed ^= mixed << 17;
        octet = static_cast<char>('a' + (mixed >> 32) % letters);
    }
    return content;
}

Digest digest_of(const std::string& octets) noexcept {
    Digest digest;
    digest.add(std::as_bytes(std::span(octets)));
    return digest;
}

}  // namespace sluice::campaign
