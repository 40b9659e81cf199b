#include "sluice/runtime/buffer_stock.h"

#include <sys/mman.h>

#include <cerrno>
#include <limits>

namespace sluice {

BufferStock::~BufferStock() {
    if (buffers_ != nullptr) {
        munmap(buffers_, std::size_t{count_} * octets_);
    }
}

Result<void> BufferStock::set_up(unsigned count, unsigned octets) {
    ensure(count <= std::numeric_limits<std::uint16_t>::max() + 1U);
    ensure(octets > 0);
    void* const mapped = mmap(nullptr, std::size_t{count} * octets, PROT_READ | PROT_WRITE,
                              MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        return std::unexpected(error_from_errno(errno, Phase::open));
    }
    buffers_ = static_cast<std::byte*>(mapped);
    count_ = count;
    octets_ = octets;
    stock_.reserve(count);
    // From the top, so that the first to go is the first.
    for (unsigned id = count; id-- > 0;) {
        stock_.push_back(static_cast<std::uint16_t>(id));
    }
    return {};
}

}  // namespace sluice
