#include "sluice/runtime/receive_buffers.h"

#include "sluice/runtime/ensure.h"

#include <sys/mman.h>

#include <bit>
#include <cerrno>

namespace sluice {

namespace {

void* map(std::size_t octets) noexcept {
    void* const mapped = mmap(nullptr, octets, PROT_READ | PROT_WRITE,
                              MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1, 0);
    return mapped == MAP_FAILED ? nullptr : mapped;
}

}  // namespace

ReceiveBuffers::~ReceiveBuffers() {
    ensure(lent_ == 0);
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
    lent_ = count;
    for (unsigned id = 0; id < count; ++id) {
        // The page that every receive fills first is there before the first one: no fault then.
        *at(static_cast<std::uint16_t>(id)) = std::byte{};
        give_back(static_cast<std::uint16_t>(id));
    }
    publish();
    return {};
}

Received ReceiveBuffers::take(std::uint16_t buffer_id, std::size_t octets) noexcept {
    ensure(buffer_id < count_);
    ensure(octets <= octets_);
    ++lent_;
    return Received(*this, buffer_id, std::span(at(buffer_id), octets));
}

void ReceiveBuffers::give_back(std::uint16_t buffer_id) noexcept {
    ensure(lent_ > 0);
    --lent_;
    io_uring_buf_ring_add(ring_, at(buffer_id), octets_, buffer_id, io_uring_buf_ring_mask(count_),
                          static_cast<int>(unpublished_));
    ++unpublished_;
}

void ReceiveBuffers::publish() noexcept {
    if (unpublished_ > 0) {
        io_uring_buf_ring_advance(ring_, static_cast<int>(unpublished_));
        unpublished_ = 0;
    }
}

}  // namespace sluice
