#include "sluice/tls/blocks.h"

#include "sluice/runtime/ensure.h"

#include <algorithm>

namespace sluice::tls {

Block::~Block() {
    if (octets_ != nullptr) {
        Blocks::here().give_back(std::move(octets_), size_);
    }
}

Blocks& Blocks::here() noexcept {
    static thread_local Blocks blocks;
    return blocks;
}

Block Blocks::take(std::size_t octets) {
    const auto* const size = std::ranges::lower_bound(sizes, octets);
    if (size == sizes.end()) {
        return Block(std::make_unique_for_overwrite<std::byte[]>(octets), octets);
    }
    auto& kept = kept_[static_cast<std::size_t>(size - sizes.begin())];
    if (kept.empty()) {
        return Block(std::make_unique_for_overwrite<std::byte[]>(*size), *size);
    }
    std::unique_ptr<std::byte[]> last = std::move(kept.back());
    kept.pop_back();
    return Block(std::move(last), *size);
}

void Blocks::give_back(std::unique_ptr<std::byte[]> octets, std::size_t size) noexcept {
    const auto* const known = std::ranges::find(sizes, size);
    if (known == sizes.end()) {
        return;
    }
    auto& kept = kept_[static_cast<std::size_t>(known - sizes.begin())];
    if (kept.size() * size < kept_octets_max) {
        kept.push_back(std::move(octets));
    }
}

std::optional<Received> Blocks::lend(Block block, std::size_t octets) {
    ensure(octets <= block.size());
    if (free_ids_.empty()) {
        if (lent_.size() == lent_max) {
            return std::nullopt;
        }
        free_ids_.push_back(static_cast<std::uint16_t>(lent_.size()));
        lent_.emplace_back();
    }
    const std::uint16_t id = free_ids_.back();
    free_ids_.pop_back();
    lent_[id] = std::move(block);
    return Received(*this, id, lent_[id].octets().first(octets));
}

void Blocks::give_back(std::uint16_t buffer_id) noexcept {
    ensure(buffer_id < lent_.size());
    ensure(lent_[buffer_id].size() > 0);
    const Block back = std::move(lent_[buffer_id]);
    free_ids_.push_back(buffer_id);
}

}  // namespace sluice::tls
