#include "sluice/runtime/receive_buffers.h"

#include "sluice/runtime/ensure.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

namespace sluice {

namespace {

void* map(std::size_t octets) noexcept {
    void* const mapped = mmap(nullptr, octets, PROT_READ | PROT_WRITE,
                              MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1, 0);
    return mapped == MAP_FAILED ? nullptr : mapped;
}

}  // namespace

ReceiveBuffers::~ReceiveBuffers() {
    ensure(stock_.size() + shown_ == count_);
    if (ring_ != nullptr) {
        munmap(ring_, count_ * sizeof(io_uring_buf));
    }
    if (buffers_ != nullptr) {
        munmap(buffers_, std::size_t{count_} * octets_);
    }
}

Result<void> ReceiveBuffers::set_up(io_uring& ring, unsigned count, unsigned octets) noexcept {
    ensure(std::has_single_bit(count));
    count_ = count;
    octets_ = octets;
    ring_ = static_cast<io_uring_buf_ring*>(map(count * sizeof(io_uring_buf)));
    buffers_ = static_cast<std::byte*>(map(std::size_t{count} * octets));
    if (ring_ == nullptr || buffers_ == nullptr) {
        return std::unexpected(error_from_errno(ENOMEM, Phase::open));
    }

    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring_);
    registration.ring_entries = count;
    registration.bgid = group;
    if (const int error = io_uring_register_buf_ring(&ring, &registration, 0); error < 0) {
        return std::unexpected(error_from_errno(-error, Phase::open));
    }
    io_uring_buf_ring_init(ring_);
    // Ids from the top, so that the first to go is the first.
    stock_.reserve(count);
    for (unsigned id = count; id-- > 0;) {
        stock_.push_back(static_cast<std::uint16_t>(id));
    }
    publish();
    return {};
}

Received ReceiveBuffers::take(std::uint16_t buffer_id, std::size_t octets) noexcept {
    ensure(buffer_id < count_);
    ensure(octets <= octets_);
    ensure(shown_ > 0);
    --shown_;
    ++taken_;
    octets_taken_ += octets;
    return Received(*this, buffer_id, std::span(at(buffer_id), octets));
}

void ReceiveBuffers::give_back(std::uint16_t buffer_id) noexcept {
    ensure(stock_.size() < count_);
    stock_.push_back(buffer_id);
}

void ReceiveBuffers::publish() noexcept {
    adapt();
    int added = 0;
    while (shown_ < shown_wanted_ && !stock_.empty()) {
        const std::uint16_t id = stock_.back();
        stock_.pop_back();
        io_uring_buf_ring_add(ring_, at(id), octets_, id, io_uring_buf_ring_mask(count_), added);
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
    const bool small = octets_taken_ < std::size_t{taken_} * octets_ / 4;
    if (std::exchange(ran_out_, false) && small) {
        shown_wanted_ = std::min(2 * shown_wanted_, count_);
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
