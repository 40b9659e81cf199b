// Received: octets that arrived, in a buffer lent by the backend's pool.
//
// An idle connection owns no receive buffer: the kernel takes one from a pool that all connections
// of a loop share when octets arrive, and the last holder of the octets gives it back by letting
// go.
//
// Ownership:    Holds one pool buffer, which goes back on destruction, exactly once. Do not keep it
//               while waiting for something unbounded: the pool is what bounds a loop's memory.
// Threading:    The loop's thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace sluice {

// Where lent buffers go back to.
class BufferPool {
public:
    virtual void give_back(std::uint16_t buffer_id) noexcept = 0;

protected:
    ~BufferPool() = default;
};

class Received {
public:
    Received() noexcept = default;
    Received(BufferPool& pool, std::uint16_t buffer_id, std::span<std::byte> octets) noexcept
        : pool_(&pool),
          octets_(octets.data()),
          size_(static_cast<std::uint32_t>(octets.size())),
          buffer_id_(buffer_id) {}
    Received(Received&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          octets_(other.octets_),
          size_(std::exchange(other.size_, 0U)),
          buffer_id_(other.buffer_id_) {}
    Received& operator=(Received&& other) noexcept {
        if (this != &other) {
            let_go();
            pool_ = std::exchange(other.pool_, nullptr);
            octets_ = other.octets_;
            size_ = std::exchange(other.size_, 0U);
            buffer_id_ = other.buffer_id_;
        }
        return *this;
    }
    ~Received() { let_go(); }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // Writable, so that a decorator (TLS) can decrypt in place.
    [[nodiscard]] std::span<std::byte> octets() const noexcept { return {octets_, size_}; }

    // Narrows the view; the buffer stays whole.
    void drop_front(std::size_t count) noexcept {
        octets_ += count;
        size_ -= static_cast<std::uint32_t>(count);
    }

    // Gives the buffer back now.
    void let_go() noexcept {
        size_ = 0;
        if (pool_ != nullptr) {
            std::exchange(pool_, nullptr)->give_back(buffer_id_);
        }
    }

private:
    BufferPool* pool_ = nullptr;
    std::byte* octets_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint16_t buffer_id_ = 0;
};

}  // namespace sluice
