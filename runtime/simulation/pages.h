// Pages: the octets of a file as programs see them, and, sector by sector, as a crash could leave
// them.
//
// Between a write and a sync, the kernel writes each sector back when it likes. So after a crash a
// sector holds what was synced last, or what it held after any write since, and the file is as long
// as it was at any moment since. A sync that fails leaves the sectors clean all the same, as Linux
// does: no later sync keeps them, unless they are written again.
//
// Source:       Linux Documentation/core-api/errseq.rst; Rebello et al.: Can Applications Recover
//               from fsync Failures? (USENIX ATC 2020).

#pragma once

#include "sluice/runtime/simulation/random.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace sluice::simulation {

class Pages {
public:
    static constexpr std::size_t sector_octets = 512;

    Pages() = default;
    explicit Pages(std::vector<std::byte> synced) : contents_(synced), synced_(std::move(synced)) {}

    [[nodiscard]] std::size_t size() const noexcept { return contents_.size(); }
    [[nodiscard]] std::span<const std::byte> contents() const noexcept { return contents_; }

    // What was kept by the last sync. Sectors that one failed to keep are as before it.
    [[nodiscard]] std::span<const std::byte> synced() const noexcept { return synced_; }

    // A gap before `offset` is zeros.
    void write(std::span<const std::byte> octets, std::size_t offset);
    void truncate();

    void sync();
    void fail_to_sync() noexcept;

    // One of the states that a crash now could leave.
    [[nodiscard]] std::vector<std::byte> crash(Random& random) const;

private:
    using Sector = std::array<std::byte, sector_octets>;

    enum class State : std::uint8_t {
        clean,
        dirty,
        lost,  // Clean for the kernel, though it never reached the disk, or may not have.
    };

    [[nodiscard]] static Sector sector_of(std::span<const std::byte> octets, std::size_t index);
    static void put(std::vector<std::byte>& octets, std::size_t index, const Sector& sector);
    void touch(std::size_t first, std::size_t end);
    void resize(std::size_t size);

    std::vector<std::byte> contents_;
    std::vector<std::byte> synced_;
    std::vector<State> states_;                         // Of the sectors; clean beyond its end.
    std::map<std::size_t, std::vector<Sector>> older_;  // What they held since, before the last.
    std::vector<std::size_t> sizes_;                    // Those since the last sync.
};

}  // namespace sluice::simulation
