// LentBuffers: plaintext that is read as a Received, as what the kernel received is.
//
// Ownership:    A buffer is its reader's until the Received is let go; then it goes back to its
//               thread's BulkBuffers. On the thread that it was lent on.
// Errors:       At most 65,536 buffers are lent at a time: lend() then yields nothing.
// Threading:    here() is the thread's own.

#pragma once

#include "sluice/runtime/bulk_buffer.h"
#include "sluice/runtime/received.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::tls {

class LentBuffers final : private BufferPool {
public:
    [[nodiscard]] static LentBuffers& here() noexcept;

    LentBuffers() = default;
    LentBuffers(LentBuffers&&) = delete;
    ~LentBuffers() = default;

    // The first `octets` of `buffer`.
    [[nodiscard]] std::optional<Received> lend(BulkBuffer buffer, std::size_t octets);

private:
    static constexpr std::size_t lent_max = std::size_t{1} << 16;

    void give_back(std::uint16_t buffer_id) noexcept override;

    std::vector<BulkBuffer> lent_;  // By id; those in `free_ids_` are empty.
    std::vector<std::uint16_t> free_ids_;
};

}  // namespace sluice::tls
