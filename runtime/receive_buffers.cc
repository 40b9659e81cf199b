#include "sluice/runtime/receive_buffers.h"

#include "sluice/runtime/ensure.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

namespace sluice {

ReceiveBuffers::~ReceiveBuffers() {
    ensure(stock_.size() + shown_ == stock_.count());
    if (ring_ != nullptr) {
        munmap(ring_, stock_.count() * sizeof(io_uring_buf));
    }
}

Result<void> ReceiveBuffers::set_up(io_uring& ring, unsigned count, unsigned octets) noexcept {
    ensure(std::has_single_bit(count));
    if (const Result<void> made = stock_.set_up(count, octets); !made) {
        return made;
    }
    void* const mapped = mmap(nullptr, count * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                              MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (mapped == MAP_FAILED) {
        return std::unexpected(error_from_errno(errno, Phase::open));
    }
    ring_ = static_cast<io_uring_buf_ring*>(mapped);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring_);
    registration.ring_entries = count;
    registration.bgid = group;
    if (const int error = io_uring_register_buf_ring(&ring, &registration, 0); error < 0) {
        return std::unexpected(error_from_errno(-error, Phase::open));
    }
    io_uring_buf_ring_init(ring_);
    publish();
    return {};
}

Received ReceiveBuffers::take(std::uint16_t buffer_id, std::size_t octets) noexcept {
    ensure(shown_ > 0);
    --shown_;
    ++taken_;
    octets_taken_ += octets;
    return Received(*this, buffer_id, stock_.at(buffer_id).first(octets));
}

void ReceiveBuffers::give_back(std::uint16_t buffer_id) noexcept {
    stock_.put(buffer_id);
}

void ReceiveBuffers::publish() noexcept {
    adapt();
    int added = 0;
    while (shown_ < shown_wanted_ && !stock_.empty()) {
        const std::uint16_t id = stock_.take();
        io_uring_buf_ring_add(ring_, stock_.at(id).data(), stock_.buffer_octets(), id,
                              io_uring_buf_ring_mask(stock_.count()), added);
        ++added;
        ++shown_;
    }
    if (added > 0) {
        io_uring_buf_ring_advance(ring_, added);
    }
}

// Doubled when small receives ran out; large ones only take turns, which costs them little. Let
// down to what was needed after a while.
void ReceiveBuffers::adapt() noexcept {
    constexpr unsigned turns_max = 1024;
    const bool small = octets_taken_ < std::size_t{taken_} * stock_.buffer_octets() / 4;
    if (std::exchange(ran_out_, false) && small) {
        shown_wanted_ = std::min(2 * shown_wanted_, stock_.count());
    }
    taken_peak_ = std::max(taken_peak_, std::exchange(taken_, 0U));
    octets_taken_ = 0;
    ++turns_;
    if (turns_ == turns_max) {
        shown_wanted_ = std::min(shown_wanted_, std::max(shown_min, 2 * taken_peak_));
        taken_peak_ = 0;
        turns_ = 0;
    }
}

}  // namespace sluice
