#include "sluice/runtime/bulk_buffer.h"

#include "sluice/runtime/address_sanitizer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace sluice {

namespace {

using Memory = std::unique_ptr<std::byte[]>;

// Of powers of two octets each. What is smaller by far the heap keeps well enough by itself.
class Stock {
public:
    static constexpr std::size_t smallest = std::size_t{16} * 1024;
    static constexpr std::size_t largest = std::size_t{256} * 1024;

    static bool keeps(std::size_t octets) noexcept {
        // The sanitizer is to see whoever uses a buffer after its end.
        return octets > smallest / 2 && octets <= largest && !under_address_sanitizer;
    }

    Memory take(std::size_t octets) {
        std::vector<Memory>& kept = of(octets);
        if (kept.empty()) {
            return std::make_unique_for_overwrite<std::byte[]>(rounded(octets));
        }
        Memory memory = std::move(kept.back());
        kept.pop_back();
        kept_octets_ -= rounded(octets);
        return memory;
    }

    void put(Memory memory, std::size_t octets) {
        if (kept_octets_ + rounded(octets) <= kept_octets_max) {
            of(octets).push_back(std::move(memory));
            kept_octets_ += rounded(octets);
        }
    }

private:
    static constexpr std::size_t kept_octets_max = std::size_t{8} * 1024 * 1024;

    static std::size_t rounded(std::size_t octets) noexcept {
        return std::max(std::bit_ceil(octets), smallest);
    }
    std::vector<Memory>& of(std::size_t octets) noexcept {
        return kept_[static_cast<std::size_t>(std::countr_zero(rounded(octets) / smallest))];
    }

    std::array<std::vector<Memory>, std::countr_zero(largest / smallest) + 1> kept_;
    std::size_t kept_octets_ = 0;
};

Stock& stock_here() noexcept {
    static thread_local Stock stock;
    return stock;
}

}  // namespace

BulkBuffer::BulkBuffer(std::size_t octets)
    : memory_(Stock::keeps(octets) ? stock_here().take(octets)
                                   : std::make_unique_for_overwrite<std::byte[]>(octets)),
      octets_(octets) {}

BulkBuffer::~BulkBuffer() {
    if (memory_ && Stock::keeps(octets_)) {
        stock_here().put(std::move(memory_), octets_);
    }
}

}  // namespace sluice
