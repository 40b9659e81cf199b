#include "sluice/tests/simulation/content.h"

#include <algorithm>
#include <span>

namespace sluice::campaign {

std::string content_of(std::uint64_t seed, std::uint64_t octets) {
    constexpr std::uint64_t letters = 26;
    constexpr std::size_t at_once = sizeof(std::uint64_t);
    std::string content(octets, '\0');
    std::uint64_t mixed = (seed + 1) * 0x9e3779b97f4a7c15;
    for (std::size_t at = 0; at < octets; at += at_once) {
        mixed ^= mixed << 13;
        mixed ^= mixed >> 7;
        mixed ^= mixed << 17;
        const std::size_t end = std::min<std::size_t>(octets, at + at_once);
        for (std::uint64_t left = mixed; char& octet : std::span(content).subspan(at, end - at)) {
            octet = static_cast<char>('a' + (left & 0xff) * letters / 256);
            left >>= 8;
        }
    }
    return content;
}

Digest digest_of(const std::string& octets) noexcept {
    Digest digest;
    digest.add(std::as_bytes(std::span(octets)));
    return digest;
}

}  // namespace sluice::campaign
