// SealedSending: the records that a simulated kernel makes of what is sent on one socket, and those
// that it holds back, since TCP had no room for them.
//
// Source: net/tls/tls_sw.c of Linux 6.1.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/sealing_keys.h"
#include "sluice/runtime/simulation/octet_queue.h"
#include "sluice/runtime/simulation/options.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::simulation {

class SealedSending {
public:
    static constexpr std::size_t record_octets_max = std::size_t{16} * 1024;

    SealedSending(const SealingKeys& keys, const Sealer& sealer) : keys_(keys), sealer_(sealer) {}

    void seal(std::uint8_t type, std::span<const std::byte> plaintext) {
        ensure(plaintext.size() <= record_octets_max);
        held_back_.push(sealer_(keys_, type, plaintext));
        keys_.have_sealed(1);
    }

    [[nodiscard]] std::span<const std::byte> held_back() const noexcept { return held_back_.all(); }
    void have_given(std::size_t octets) noexcept { held_back_.pop(octets); }

    [[nodiscard]] std::uint64_t next_record() const noexcept { return keys_.next_record(); }

private:
    SealingKeys keys_;
    const Sealer& sealer_;
    OctetQueue held_back_;
};

}  // namespace sluice::simulation
