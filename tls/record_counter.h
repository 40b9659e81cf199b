// RecordCounter: how many records of TLS begin in octets that come in pieces.
//
// Source: RFC 8446 5.1.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::tls {

class RecordCounter {
public:
    // The first piece begins with a record.
    void count(std::span<const std::byte> octets) noexcept {
        while (!octets.empty()) {
            if (rest_ > 0) {
                const std::size_t skipped = std::min(rest_, octets.size());
                rest_ -= skipped;
                octets = octets.subspan(skipped);
                continue;
            }
            header_ = header_ << 8 | std::to_integer<std::uint64_t>(octets.front());
            octets = octets.subspan(1);
            ++header_seen_;
            if (header_seen_ == header_octets) {
                header_seen_ = 0;
                rest_ = header_ & 0xFFFF;
                ++records_;
            }
        }
    }

    [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

private:
    static constexpr int header_octets = 5;

    std::uint64_t header_ = 0;
    int header_seen_ = 0;
    std::size_t rest_ = 0;  // Of the record.
    std::uint64_t records_ = 0;
};

}  // namespace sluice::tls
