// Blocks: memory that the TLS connections of a thread take while octets pass, and only then.
//
// A connection needs tens of kilobytes while a record goes through it, and nothing while it is
// idle; so blocks are shared by all connections of the thread, last in, first out, while they are
// still in the processor's cache.
//
// Ownership:    A Block goes back when it is destroyed; plaintext lent as a Received, when its last
//               holder lets go. Both on the thread that they were taken on.
// Errors:       Memory that cannot be had stops the process, as everywhere. At most 65,536 pieces
//               of plaintext are lent at a time: lend() then yields nothing.
// Threading:    Blocks::here() is the thread's own.

#pragma once

#include "sluice/runtime/received.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sluice::tls {

class Blocks;

class Block {
public:
    Block() noexcept = default;
    Block(Block&& other) noexcept
        : octets_(std::move(other.octets_)), size_(std::exchange(other.size_, 0U)) {}
    Block& operator=(Block&& other) noexcept {
        std::swap(octets_, other.octets_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Block();

    [[nodiscard]] std::span<std::byte> octets() const noexcept { return {octets_.get(), size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    friend class Blocks;
    Block(std::unique_ptr<std::byte[]> octets, std::size_t size) noexcept
        : octets_(std::move(octets)), size_(static_cast<std::uint32_t>(size)) {}

    std::unique_ptr<std::byte[]> octets_;
    std::uint32_t size_ = 0;
};

class Blocks final : private BufferPool {
public:
    // A small message, a record with its overhead, a received buffer, a batch of records.
    static constexpr std::array<std::size_t, 4> sizes{std::size_t{4} * 1024, std::size_t{20} * 1024,
                                                      std::size_t{72} * 1024,
                                                      std::size_t{136} * 1024};

    [[nodiscard]] static Blocks& here() noexcept;

    Blocks() = default;
    Blocks(Blocks&&) = delete;
    ~Blocks() = default;

    // At least `octets` large.
    [[nodiscard]] Block take(std::size_t octets);

    // The first `octets` of `block`, to be read and then let go.
    [[nodiscard]] std::optional<Received> lend(Block block, std::size_t octets);

private:
    friend class Block;

    // Kept for the next to come, of each size.
    static constexpr std::size_t kept_octets_max = std::size_t{512} * 1024;
    static constexpr std::size_t lent_max = std::size_t{1} << 16;

    void give_back(std::uint16_t buffer_id) noexcept override;
    void give_back(std::unique_ptr<std::byte[]> octets, std::size_t size) noexcept;

    std::array<std::vector<std::unique_ptr<std::byte[]>>, sizes.size()> kept_;
    std::vector<Block> lent_;  // By id; those in `free_ids_` are empty.
    std::vector<std::uint16_t> free_ids_;
};

}  // namespace sluice::tls
