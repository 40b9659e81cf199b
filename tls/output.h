// Output: octets to be sent, in the order in which they were written.

#pragma once

#include "sluice/runtime/bulk_buffer.h"

#include <cstddef>
#include <span>

namespace sluice::tls {

class Output {
public:
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::span<std::byte> octets() const noexcept {
        return buffer_.octets().first(size_);
    }

    // Makes room for that many in all.
    void reserve(std::size_t octets);
    void append(std::span<const std::byte> octets);
    // So many more, uninitialised, for the caller to write.
    [[nodiscard]] std::span<std::byte> extend(std::size_t octets);

private:
    BulkBuffer buffer_;
    std::size_t size_ = 0;
};

}  // namespace sluice::tls
