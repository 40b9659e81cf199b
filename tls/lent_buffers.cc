#include "sluice/tls/lent_buffers.h"

#include "sluice/runtime/ensure.h"

#include <utility>

namespace sluice::tls {

LentBuffers& LentBuffers::here() noexcept {
    static thread_local LentBuffers buffers;
    return buffers;
}

std::optional<Received> LentBuffers::lend(BulkBuffer buffer, std::size_t octets) {
    ensure(octets <= buffer.octets().size());
    if (free_ids_.empty()) {
        if (lent_.size() == lent_max) {
            return std::nullopt;
        }
        free_ids_.push_back(static_cast<std::uint16_t>(lent_.size()));
        lent_.emplace_back();
    }
    const std::uint16_t id = free_ids_.back();
    free_ids_.pop_back();
    lent_[id] = std::move(buffer);
    return Received(*this, id, lent_[id].octets().first(octets));
}

void LentBuffers::give_back(std::uint16_t buffer_id) noexcept {
    ensure(buffer_id < lent_.size());
    ensure(!lent_[buffer_id].octets().empty());
    const BulkBuffer back = std::move(lent_[buffer_id]);
    free_ids_.push_back(buffer_id);
}

}  // namespace sluice::tls
