#include "sluice/tls/output.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::tls {

void Output::reserve(std::size_t octets) {
    constexpr std::size_t least = std::size_t{4} * 1024;
    const std::size_t room = buffer_.octets().size();
    if (octets <= room) {
        return;
    }
    BulkBuffer larger(std::max({octets, 2 * room, least}));
    std::ranges::copy(this->octets(), larger.octets().begin());
    buffer_ = std::move(larger);
}

void Output::append(std::span<const std::byte> octets) {
    if (!octets.empty()) {
        std::memcpy(extend(octets.size()).data(), octets.data(), octets.size());
    }
}

std::span<std::byte> Output::extend(std::size_t octets) {
    reserve(size_ + octets);
    size_ += octets;
    return buffer_.octets().subspan(size_ - octets, octets);
}

}  // namespace sluice::tls
